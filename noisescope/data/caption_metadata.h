// Tables of captions in image folders: which captions belong to which file. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::data {

/// One entry of a table.
struct MetadataRow {
  std::string file_name;              // '/' between folders, inside the folder of the table
  std::vector<std::string> captions;  // at least one, none blank
  int64_t line = 0;                   // 1-based; of a JSON file the number of the entry
};

/// Which columns (or members) name a picture and its captions; "": the first of the usual names that is there.
struct CaptionColumns {
  std::string image;    // usual: file_name, filename, file, image, image_path, path, img, ...
  std::string caption;  // usual: text, caption, captions, description, prompt, ...
};

/// A table, read.
struct CaptionRows {
  std::vector<MetadataRow> rows;
  std::string remark;  // what was found out: separator, columns, encoding; "" for the plain case
};

/// Is this the name of a table of captions: metadata or captions, .jsonl, .json, .csv, .tsv (or captions.txt)?
bool is_metadata_name(std::string_view file);

/// A table by its suffix: .jsonl, .json, else separated values. `name` is for messages. UTF-8, or UTF-16 with a byte
/// order mark. Throws FormatError "name:line: ..." for what is below.
CaptionRows parse_metadata(std::string_view bytes, const std::string& name, const CaptionColumns& columns = {});

/// {"file_name": "a/1.png", "text": "a cat"} a line; the captions may be a list, other members are passed over, as
/// are blank lines. Throws for anything else: no object, no picture or caption, a blank caption, a path that leaves
/// the folder.
CaptionRows parse_metadata_jsonl(std::string_view text, const std::string& name, const CaptionColumns& columns = {});

/// A list of such objects, or one a line; or an object of file names with a text, a list of texts or such an object
/// each.
CaptionRows parse_metadata_json(std::string_view text, const std::string& name, const CaptionColumns& columns = {});

/// RFC 4180 with a header line; separated by the first of , ; tab | whose header has both columns. Names are compared
/// without blanks around them and without case. Throws as above.
CaptionRows parse_metadata_csv(std::string_view text, const std::string& name, const CaptionColumns& columns = {});

/// `path` without "." parts, '/' between folders; "" if it is absolute, empty or leads outside.
std::string path_inside(std::string_view path);

}  // namespace noisescope::data
