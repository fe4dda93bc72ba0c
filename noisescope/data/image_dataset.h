// Captioned pictures in memory: one uint8 tensor, a table of captions, and which rows are true of
// which picture. What fills it: image_loader.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/data/captions.h"
#include "noisescope/data/dataset.h"

namespace noisescope::data {

/// Where the object stands in the square picture, in its pixels: [left, right) x [top, bottom).
/// Fractions come from resizing; a box is clipped to the picture and may be empty after a crop.
struct BoundingBox {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

/// The part of the data that a sample was published in; `none` where the source makes no parts.
enum class Part { none, train, validation, test };
NOISESCOPE_ENUM(Part, none, train, validation, test)

/// What an ImageDataset is made of. N samples, S pixels a side; sample i is row i everywhere.
struct ImageSamples {
  std::string name;                     // for reports
  Tensor pixels;                        // [N, 3, S, S] uint8
  std::vector<std::string> file_names;  // [N] path inside the folder or archive
  CaptionTable captions;
  std::vector<std::vector<int64_t>> caption_rows;  // [N] rows of `captions`, at least one each
  std::vector<Part> parts;                         // [N]
  std::vector<std::string> class_names;            // empty: no classes
  std::vector<int64_t> labels;                     // [N] in class_names, or empty
  std::vector<std::optional<BoundingBox>> boxes;   // [N], or empty
};

class ImageDataset : public Dataset {
 public:
  /// Throws DataError if `samples` does not hold together (lengths, dtype, rows out of range).
  explicit ImageDataset(ImageSamples samples);

  std::string name() const override { return samples_.name; }
  int64_t size() const override { return samples_.pixels.size(0); }
  int64_t image_size_px() const override { return samples_.pixels.size(2); }
  Tensor images(const std::vector<int64_t>& indices) const override;
  const std::vector<std::string>& captions() const override { return samples_.captions.texts(); }
  std::vector<int64_t> captions_of(int64_t index) const override;
  bool flips_keep_captions() const override { return flips_keep_captions_; }
  /// Hash of pixels, captions and their rows: the same for a folder and for its archive.
  std::string fingerprint() const override { return fingerprint_; }

  const ImageSamples& samples() const { return samples_; }

  /// The parts of the source where it has them. Without a validation part, a `validation_share` of
  /// the training samples is held out (split_samples); test samples are in neither.
  Split split(double validation_share, uint64_t seed) const;

 private:
  ImageSamples samples_;
  bool flips_keep_captions_ = false;
  std::string fingerprint_;
};

/// Splits the samples of any data set: by its own parts if it has some, else by share.
Split split_dataset(const Dataset& dataset, double validation_share, uint64_t seed);

/// A file that was left out, and why.
struct SkippedFile {
  std::string name;
  std::string reason;
};

/// What loading found.
struct LoadReport {
  int64_t loaded = 0;                               // images in the data set
  int64_t ignored = 0;                              // files that are no images by their extension
  std::map<std::string, int64_t> ignored_suffixes;  // the same by suffix: ".webp" -> 4; "" for none
  std::vector<std::string> unread_captions;         // files that look like captions and are not read
  std::map<std::string, int64_t> unknown_parts;     // folders beside train/ -> images, trained on
  int64_t unlabelled = 0;                           // images of a published test part without labels
  std::vector<std::string> remarks;                 // what was found out and used so: separators, parts, ...
  int64_t turned = 0;                               // images turned upright, as their EXIF data say
  int64_t animated = 0;                             // of them the first frame is used
  int64_t duplicate_captions = 0;                   // the same text given twice for one image
  std::vector<SkippedFile> skipped;                 // broken images, in sample order
  std::map<std::pair<int64_t, int64_t>, int64_t> source_sizes;  // (width, height) in px -> images
  double seconds = 0;                                           // wall clock
};

/// Notes down a file that is no image.
void count_ignored(const std::string& path, LoadReport& report);

/// What of the data was not used, each a sentence for people: broken pictures, files of other formats, captions
/// that are not read, folders that may be meant as parts. Empty where all was used.
std::vector<std::string> load_notes(const LoadReport& report);

}  // namespace noisescope::data
