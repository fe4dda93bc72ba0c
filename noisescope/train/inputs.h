// What one forward pass of training is given, as a pure function of the seed and of how many images
// came before. Everything random about training is drawn here.
#pragma once

#include <functional>
#include <future>

#include "noisescope/diffusion/loss.h"
#include "noisescope/train/batches.h"
#include "noisescope/train/options.h"

namespace noisescope::train {

/// On the CPU.
struct TrainInputs {
  Tensor images;      // [B, 3, S, S] float32 in [-1, 1]: x_0
  Tensor conditions;  // [B, D] float32
  Tensor dropped;     // [B, 1] or [B, D] bool: where the condition gives way to the null condition
  Tensor sigma;       // [B] float32
  Tensor noise;       // [B, 3, S, S] float32: eps
};

/// How inputs are drawn. An update consists of `passes` passes of `pass_size` images; its noise
/// levels are stratified over all of them, so that accumulating is no different from a big batch.
struct InputOptions {
  uint64_t seed = 0;
  int64_t pass_size = 1;
  int64_t passes = 1;
  double null_probability = 0;  // per sample or coordinate, as null_mask says
  NoiseLevelOptions noise_levels;
  ScheduleOptions schedule;
  NullMask null_mask = NullMask::sample;
};

/// The pass that starts with image `first_image` of the run, a multiple of pass_size.
TrainInputs draw_inputs(const BatchSource& batches, const InputOptions& options, int64_t first_image);

/// Passes one by one, the next one prepared on a thread of its own if `ahead`; the same numbers.
class InputQueue {
 public:
  InputQueue(BatchSource batches, const InputOptions& options, bool ahead);

  /// The pass that starts with image `first_image`; `next_image` is where the next one will. Throws what the batch
  /// source throws.
  TrainInputs take(int64_t first_image, int64_t next_image);
  /// From the next pass on.
  void set_noise_levels(const NoiseLevelOptions& levels);

 private:
  BatchSource batches_;
  InputOptions options_;
  bool ahead_;
  int64_t next_image_ = -1;
  std::future<TrainInputs> next_;  // last: its destructor waits for the thread
};

}  // namespace noisescope::train
