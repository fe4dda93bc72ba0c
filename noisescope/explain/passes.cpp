#include "noisescope/explain/passes.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::explain {

Tensor denoise_in_passes(const Denoiser& denoiser, const NoisyPictures& noisy, const Tensor& condition,
                         const Tensor& sample, int64_t pass_size) {
  if (pass_size < 1) {
    throw ValueError(format_text("[explain] expected pass_size >= 1, got {}", pass_size));
  }
  std::vector<Tensor> parts;
  for (int64_t first = 0; first < sample.size(0); first += pass_size) {
    const int64_t count = std::min(pass_size, sample.size(0) - first);
    const Tensor rows = sample.narrow(0, first, count);
    parts.push_back(
        denoiser(noisy.x.index_select(0, rows), noisy.sigma.index_select(0, rows), condition.narrow(0, first, count)));
  }
  return torch::cat(parts);
}

}  // namespace noisescope::explain
