// Recording a sampling run: an observer that keeps the steps for films and explanations.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/sampler.h"

namespace noisescope::diffusion {

enum class RecordDtype { float32, float16 };

constexpr std::array<std::pair<RecordDtype, const char*>, 2> enum_names(RecordDtype) {
  return {{{RecordDtype::float32, "float32"}, {RecordDtype::float16, "float16"}}};
}

struct RecorderOptions {
  bool x = true;              // the noisy images
  bool denoised = true;       // the estimate that the solver used
  bool conditional = true;    // the estimate with prompt, where it was evaluated
  bool unconditional = true;  // the estimate without prompt, where it was evaluated
  RecordDtype dtype = RecordDtype::float32;
  int64_t max_bytes = int64_t{512} << 20;
};
void describe(Describer& d, RecorderOptions& options);

/// Keeps what SamplerStep shows, on the CPU. One recorder for one run, whose pictures may come in several passes
/// (Trajectory::redraw): they are joined step by step. It must outlive the observer. Throws ValueError at the first
/// step of a pass if the whole of it would make the record larger than max_bytes (naming how large), before anything of
/// it is stored.
class TrajectoryRecorder {
 public:
  explicit TrajectoryRecorder(const RecorderOptions& options) : options_(options) {}

  SamplerObserver observer();

  /// The steps so far, tensors on the CPU in the recorded dtype. What was not asked for, or not
  /// evaluated, is an undefined tensor.
  const std::vector<SamplerStep>& steps() const { return steps_; }

  /// Bytes that `count` steps of images shaped like `x` need.
  static int64_t required_bytes(const RecorderOptions& options, int64_t count, const Tensor& x);

 private:
  void record(const SamplerStep& step);

  RecorderOptions options_;
  std::vector<SamplerStep> steps_;
  int64_t bytes_ = 0;  // of the passes that have begun
};

}  // namespace noisescope::diffusion
