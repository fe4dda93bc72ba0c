// A folder (or tar, or zip) of pictures with captions: from a metadata file, or from class folders.
//
//   cats/metadata.jsonl        {"file_name": "a/1.png", "text": "a cat"}, text may be a list
//   cats/metadata.csv          file_name,text   (several rows for a file: several captions)
//   cats/<class>/...           the class through caption templates, "a photo of a {}"
//
// Folders train, validation (or val) and test at the top become the parts of the data set; each may
// hold its own metadata file. The layout is that of the Hugging Face "imagefolder" loader.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "noisescope/data/image_loader.h"

namespace noisescope {

/// One line of a metadata file.
struct MetadataRow {
  std::string file_name;
  std::vector<std::string> captions;
  int64_t line = 0;  // 1-based
};

/// Parse metadata files; `name` is for messages. Throw FormatError naming line and what is wrong:
/// no JSON object, no file_name or text, a path that leaves the folder, an empty caption.
std::vector<MetadataRow> parse_metadata_jsonl(std::string_view text, const std::string& name);
std::vector<MetadataRow> parse_metadata_csv(std::string_view text, const std::string& name);

/// Loads `path`. Throws DataError for a folder without images, captions without images, images
/// without captions (each naming examples); FormatError for bad metadata; see load_images for more.
ImageDataset load_image_folder(const std::filesystem::path& path,
                               const std::vector<std::string>& templates,
                               const ImageLoadOptions& options, const Control& control,
                               LoadReport& report);

}  // namespace noisescope
