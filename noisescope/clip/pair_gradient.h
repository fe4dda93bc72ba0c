// The gradient of one contrastive batch, by one process or several.
#pragma once

#include <memory>

#include "noisescope/clip/clip_model.h"
#include "noisescope/processes/gradient_sum.h"

namespace noisescope::clip {

/// One batch, ready to be encoded.
struct PairBatch {
  Tensor images;     // [B, 3, S, S] float32
  Tensor ids;        // [D, L] int64: tokens of the distinct captions
  Tensor index;      // [B] int64: which of them is said of each image
  Tensor positives;  // [B, B] bool: is caption j true of image i?
};

struct PairLoss {
  double loss = 0;
  double accuracy = 0;  // share of images whose best caption of the batch is true of them
};

/// Leaves the gradient of the batch's contrastive loss in the model's parameters. With several blocks, images and
/// captions are encoded block by block, each by one process; the loss is that of all pairs against all (every embedding
/// goes to every process), and the gradient of each block's embeddings is sent back through that block alone (Gao et
/// al. 2021, "Scaling deep contrastive learning batch size under memory limited setup", arXiv:2101.06983, section 3).
/// The same bits for equal blocks, however many processes share them.
class PairGradient {
 public:
  /// Throws ValueError for fewer blocks than processes.
  PairGradient(const ClipModel& model, std::shared_ptr<Group> group, int64_t blocks);

  /// B is a multiple of the blocks. Waits for the device once. Throws ProcessError.
  PairLoss operator()(const PairBatch& batch);

 private:
  PairLoss in_one(const PairBatch& batch);
  PairLoss in_blocks(const PairBatch& batch);

  const ClipModel& model_;
  std::shared_ptr<Group> group_;
  int64_t blocks_;
  GradientSum gradients_;
};

}  // namespace noisescope::clip
