// A folder (or tar, zip, or shards of them) of pictures with captions: from tables, from texts beside the pictures, or
// from class folders.
//
//   cats/metadata.jsonl        {"file_name": "a/1.png", "text": "a cat"}, text may be a list
//   cats/metadata.csv          file_name,text   (several rows for a file: several captions)
//   cats/1.png, cats/1.txt     a caption a line
//   cats/<class>/...           the class through caption templates, "a photo of a {}"
//
// Tables may lie in every folder, with paths from there, and be called captions.* too. Folders train, validation
// (valid, val, dev) and test at the top become the parts of the data set. The layout is that of the Hugging Face
// "imagefolder" loader, and of webdataset.
#pragma once

#include <string>
#include <vector>

#include "noisescope/data/folder_captions.h"
#include "noisescope/data/image_loader.h"

namespace noisescope::data {

/// Loads `path`; folders around everything are looked through. Samples are in the order of their
/// names. Throws DataError for a folder without images; see caption_folder and load_images for more.
ImageDataset load_image_folder(const std::filesystem::path& path, const FolderOptions& folder,
                               const ImageLoadOptions& options, const Control& control, LoadReport& report);

}  // namespace noisescope::data
