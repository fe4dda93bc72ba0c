// Metadata files of image folders: which captions belong to which file. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::data {

/// One line of a metadata file.
struct MetadataRow {
  std::string file_name;              // '/' between folders, inside the folder of the file
  std::vector<std::string> captions;  // at least one, none blank
  int64_t line = 0;                   // 1-based
};

/// {"file_name": "a/1.png", "text": "a cat"} a line; `text` may be a list, other members are passed
/// over, as are blank lines. `name` is for messages.
/// Throws FormatError with the line for anything else: no object, no file_name or text, a blank
/// caption, a path that leaves the folder.
std::vector<MetadataRow> parse_metadata_jsonl(std::string_view text, const std::string& name);

/// RFC 4180 with a header line that has the columns file_name and text. Throws as above.
std::vector<MetadataRow> parse_metadata_csv(std::string_view text, const std::string& name);

/// `path` without "." parts, '/' between folders; "" if it is absolute, empty or leads outside.
std::string path_inside(std::string_view path);

}  // namespace noisescope::data
