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
#include <vector>

#include "noisescope/data/image_loader.h"

namespace noisescope::data {

/// Loads `path`; one folder around everything is looked through. Samples are in the order of their
/// names. Throws DataError for a folder without images, captions without images, images without
/// captions (each naming examples), templates without {}: ValueError, bad metadata: FormatError; see
/// load_images for more.
ImageDataset load_image_folder(const std::filesystem::path& path, const std::vector<std::string>& templates,
                               const ImageLoadOptions& options, const Control& control, LoadReport& report);

}  // namespace noisescope::data
