// What training, evaluation and inspection know of data. A data set is random access: sample i is a
// pure function of i (and of the seed that made the data set), so order, resume and parallel reading
// are the caller's affair.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"

namespace noisescope::data {

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// "two_object_world demo", "folder /data/cats": for reports.
  virtual std::string name() const = 0;

  virtual int64_t size() const = 0;

  /// Side of the square images in pixels.
  virtual int64_t image_size_px() const = 0;

  /// Clean images [B, 3, H, W] float32 in [-1, 1]. `indices` in [0, size()).
  virtual Tensor images(const std::vector<int64_t>& indices) const = 0;

  /// Every caption that any sample can carry, distinct, in a stable order: the rows of an embedding
  /// table. Row numbers are what captions_of returns.
  virtual const std::vector<std::string>& captions() const = 0;

  /// The row numbers of the captions that are true of sample `index` and may be said of it.
  virtual std::vector<int64_t> captions_of(int64_t index) const = 0;

  /// [indices, caption_rows] bool: is this caption true of this sample? The default answers from
  /// captions_of; a data set that knows more (a partial caption is true of many scenes) overrides.
  virtual Tensor caption_is_true(const std::vector<int64_t>& indices, const std::vector<int64_t>& caption_rows) const;

  /// Captions that stay true under a horizontal flip (no "left of").
  virtual bool flips_keep_captions() const = 0;

  /// A hash of everything that the samples depend on: keys caches, guards resumed runs.
  virtual std::string fingerprint() const = 0;
};

/// One caption row for each of `indices`, drawn by (Purpose::caption, step, index).
std::vector<int64_t> draw_captions(const Dataset& dataset, const std::vector<int64_t>& indices, const Random& random,
                                   uint64_t step);

/// Splits 0..size-1 into training and validation samples, the same for every call with this seed. A share
/// that comes to a single sample holds out two, of fewer than four none: one alone compares with nothing.
struct Split {
  std::vector<int64_t> train;
  std::vector<int64_t> validation;
};
Split split_samples(int64_t size, double validation_share, uint64_t seed);

}  // namespace noisescope::data
