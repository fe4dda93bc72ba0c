// The contrastive objective of CLIP and its training loop.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/progress.h"
#include "noisescope/nn/lr_schedule.h"
#include "noisescope/nn/optimizer.h"
#include "noisescope/processes/group.h"

namespace noisescope::clip {

/// Symmetric InfoNCE (Radford et al. 2021, arXiv:2103.00020, 2.3, figure 3; the one-positive case of
/// van den Oord et al. 2018, arXiv:1807.03748, eq. 4) with several positives a row, as in supervised
/// contrastive learning (Khosla et al. 2020, arXiv:2004.11362, eq. 2): with logits S = scale * Z Y^T
/// and targets P = positives / row sum,
///   L = -1/2 mean_i sum_j P_ij log softmax_j S_ij - 1/2 (the same for the transposed).
///   image, text  [B, E], [K, E] of unit norm
///   positives    [B, K] bool or float >= 0: how true text j is of image i; no empty row or column. Best on the CPU,
///   where
///                looking for empty ones waits for no device
///   scale        scalar tensor
/// Returns a scalar. ValueError if a row or column of positives is empty.
Tensor contrastive_loss(const Tensor& image, const Tensor& text, const Tensor& positives, const Tensor& scale);

/// One training batch.
struct ClipBatch {
  Tensor images;                      // [B, 3, S, S] float32 in [-1, 1]
  std::vector<int64_t> caption_rows;  // [B]: which caption of the table is said of each image
  Tensor positives;                   // [B, B] bool: is caption j true of image i? Undefined: only equal rows are
};

/// Batch of a step: a pure function of the step, so that a resumed run sees the same data.
using ClipBatchSource = std::function<ClipBatch(int64_t step)>;

struct ClipTrainData {
  std::vector<std::string> captions;  // the table that caption_rows points into
  ClipBatchSource batches;
  uint64_t seed = 0;  // of the image noise
  /// The processes that train together, on blocks of each batch. Process 0 alone reads and writes the checkpoint.
  std::shared_ptr<Group> group = Group::alone();
};

/// The budget is the first of steps, images, seconds that is reached; 0: unlimited. One is needed.
struct ClipTrainOptions {
  int64_t steps = 0;
  int64_t images = 0;
  double seconds = 0;
  LrScheduleOptions schedule{.learning_rate = 2e-3, .warmup_steps = 50};
  OptimizerOptions optimizer{.beta2 = 0.98, .weight_decay = 0.01};
  int64_t blocks = 0;        // of a batch: what processes share; 0: as many as they need
  double image_noise = 0.1;  // largest standard deviation of the noise added to an image
  int64_t log_every = 20;    // steps
  std::string checkpoint;    // file; "": none
  double checkpoint_seconds = 60;
};
void describe(Describer& d, ClipTrainOptions& options);

/// What the observer hears every log_every steps and at the end.
struct ClipTrainStatus {
  int64_t step = 0;     // steps done
  int64_t images = 0;   // images seen
  double seconds = 0;   // spent in training, over all resumed parts
  double loss = 0;      // mean since the last report
  double accuracy = 0;  // share of images whose best caption of the batch is true of them
  double learning_rate = 0;
  double logit_scale = 0;
};
using ClipTrainObserver = std::function<void(const ClipTrainStatus&)>;

struct ClipTrainResult {
  ClipTrainStatus last;
  int64_t resumed_from_step = 0;
  std::string resume_note;  // why an existing checkpoint was not used; "" if there was nothing to say
};

/// Trains `model` in place. The captions' tokens are made once. Image noise is drawn by (seed, Purpose::augment, step,
/// position in the batch). With a checkpoint file, a run goes on where a run of the same settings stopped; for budgets
/// in steps or images on a CPU with equal threads the result is bit-identical. A damaged checkpoint is noted and left
/// unused; one of other settings is refused (ModelError). Any number of processes trains the same bits from the same
/// blocks. Throws NumericError if the loss is not finite (the last
/// checkpoint stays), Interrupted on a stop (after writing the checkpoint), ValueError for options or batches that
/// cannot work.
ClipTrainResult train_clip(const ClipModel& model, const ClipTrainData& data, const ClipTrainOptions& options,
                           const Control& control = {}, const ClipTrainObserver& observer = {});

}  // namespace noisescope::clip
