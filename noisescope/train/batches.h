// Training batches as a pure function of how many images came before, so that a resumed run needs no
// cursor: what image number n is, is decided by the seed alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "noisescope/data/dataset.h"

namespace noisescope::train {

struct TrainBatch {
  Tensor images;      // [B, 3, S, S] float32 in [-1, 1]
  Tensor conditions;  // [B, D] float32
};

/// Images first_image .. first_image + count - 1 of the run.
using BatchSource = std::function<TrainBatch(int64_t first_image, int64_t count)>;

/// Condition rows of a data set: whitened embeddings.
struct ConditionTable {
  Tensor text;             // [captions, D]: by row of Dataset::captions()
  Tensor image;            // [samples, D] by sample, or undefined
  double image_share = 0;  // probability that a sample is conditioned on its image row
};

/// Epochs are permutations of `samples` by (Purpose::data_order, epoch). Each image gets one of its
/// captions (Purpose::caption) and, if `mirror` (nothing: where the data set's captions allow it), is flipped
/// with probability 1/2 (Purpose::augment), all by the number of the image in the run.
/// Throws ValueError if there are no samples or the tables do not fit the data set.
BatchSource make_batches(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> samples,
                         ConditionTable conditions, uint64_t seed, std::optional<bool> mirror = {});

}  // namespace noisescope::train
