// Image files -> samples in memory: decoding in parallel, resizing exactly as Pillow does, broken
// files named and left out. Where the files and captions come from: image_folder.h, tiny_imagenet.h.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/data/image_dataset.h"

namespace noisescope::io {
class FileSource;
}

namespace noisescope::data {

/// How a picture becomes square.
enum class ResizeMode { crop, squash };
NOISESCOPE_ENUM(ResizeMode, crop, squash)

struct ImageLoadOptions {
  int64_t image_size_px = 32;
  ResizeMode resize = ResizeMode::crop;
  bool strict = false;
  int64_t memory_limit_mb = 4096;
};

inline void describe(Describer& d, ImageLoadOptions& o) {
  d("image_size_px", o.image_size_px, "side of the square images in pixels", {.min = 8, .max = 1024});
  d("resize", o.resize,
    "crop: shortest side to image_size_px, then the centre; squash: both sides, changing the "
    "proportions");
  d("strict", o.strict, "stop at a broken image instead of leaving it out with a note");
  d("memory_limit_mb", o.memory_limit_mb, "refuse data whose pixels need more memory than this", {.min = 1});
}

/// One image still in its file.
struct ImageEntry {
  std::string path;                   // inside the source, '/' between folders
  std::vector<std::string> captions;  // at least one
  Part part = Part::none;
  int64_t label = -1;              // -1: none
  std::optional<BoundingBox> box;  // in pixels of the file's image
};

/// "PNG, JPEG, ...": the formats that are read, for people.
inline constexpr const char* kImageFormats = "PNG, JPEG, WebP, GIF, BMP";

/// Has `path` the extension of a format that is read (.png, .jpg, .webp, ..., in any case)?
bool has_image_extension(const std::string& path);

/// Decodes all entries; sample order is entry order whatever the number of threads. Broken images go
/// to report.skipped (strict: FormatError naming the first). Throws DataError if there are no
/// entries, if none could be read, or if the pixels would exceed the memory limit, before they are
/// allocated; Interrupted on a stop request.
ImageSamples load_images(const FileSource& source, const std::vector<ImageEntry>& entries,
                         const ImageLoadOptions& options, const Control& control, LoadReport& report);

/// "a, b, c and 7 more": examples for messages.
std::string name_examples(const std::vector<std::string>& names, size_t count = 3);

}  // namespace noisescope::data
