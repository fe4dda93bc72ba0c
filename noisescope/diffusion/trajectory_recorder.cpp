#include "noisescope/diffusion/trajectory_recorder.h"

#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::diffusion {
namespace {

torch::Dtype torch_dtype(RecordDtype dtype) {
  return dtype == RecordDtype::float16 ? torch::kFloat16 : torch::kFloat32;
}

/// Replaces each tensor by a copy on the CPU. Those of a device come in one piece, so that it is waited for once.
void copy_to_host(const std::vector<Tensor*>& planes, torch::Dtype dtype) {
  if (planes.empty()) return;
  if (planes.front()->is_cpu()) {
    for (Tensor* plane : planes) *plane = plane->detach().to(torch::kCPU, dtype, /*non_blocking=*/false, /*copy=*/true);
    return;
  }
  std::vector<Tensor> values;
  for (const Tensor* plane : planes) values.push_back(plane->detach());
  const Tensor together = torch::stack(values).to(dtype).to(torch::kCPU);
  for (size_t k = 0; k < planes.size(); ++k) *planes[k] = together[static_cast<int64_t>(k)];
}

/// The pictures of `more` behind those of `step`.
void join(SamplerStep& step, const SamplerStep& more) {
  const auto append = [](Tensor& plane, const Tensor& rows) {
    if (plane.defined()) plane = torch::cat({plane, rows});
  };
  append(step.x, more.x);
  append(step.prediction.denoised, more.prediction.denoised);
  append(step.prediction.conditional, more.prediction.conditional);
  append(step.prediction.unconditional, more.prediction.unconditional);
}

}  // namespace

void describe(Describer& d, RecorderOptions& options) {
  d("x", options.x, "record the noisy images");
  d("denoised", options.denoised, "record the estimate that the solver used");
  d("conditional", options.conditional, "record the estimate with prompt");
  d("unconditional", options.unconditional, "record the estimate without prompt");
  d("dtype", options.dtype, "number format of the record");
  d("max_bytes", options.max_bytes, "refuse runs whose record would be larger", {.min = 0});
}

int64_t TrajectoryRecorder::required_bytes(const RecorderOptions& options, int64_t count, const Tensor& x) {
  const int64_t planes =
      int64_t{options.x} + int64_t{options.denoised} + int64_t{options.conditional} + int64_t{options.unconditional};
  const int64_t element = options.dtype == RecordDtype::float16 ? 2 : 4;
  return planes * count * x.numel() * element;
}

SamplerObserver TrajectoryRecorder::observer() {
  return [this](const SamplerStep& step) { record(step); };
}

void TrajectoryRecorder::record(const SamplerStep& step) {
  const auto place = steps_.empty() ? size_t{0} : static_cast<size_t>(step.index - steps_.front().index);
  if (place == 0) bytes_ += required_bytes(options_, step.count, step.x);
  if (bytes_ > options_.max_bytes) {
    throw ValueError(
        format_text("[diffusion.TrajectoryRecorder] expected a record of at most {} bytes, got a run that needs {}; "
                    "record fewer images or planes, use float16, or raise max_bytes",
                    options_.max_bytes, bytes_));
  }
  SamplerStep kept = step;
  std::vector<Tensor*> planes;
  const auto keep = [&](bool wanted, Tensor& plane) {
    if (!wanted || !plane.defined()) {
      plane = Tensor();
    } else {
      planes.push_back(&plane);
    }
  };
  keep(options_.x, kept.x);
  keep(options_.denoised, kept.prediction.denoised);
  keep(options_.conditional, kept.prediction.conditional);
  keep(options_.unconditional, kept.prediction.unconditional);
  copy_to_host(planes, torch_dtype(options_.dtype));
  if (place < steps_.size()) {
    join(steps_[place], kept);
  } else {
    steps_.push_back(std::move(kept));
  }
}

}  // namespace noisescope::diffusion
