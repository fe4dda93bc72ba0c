#include "noisescope/studio/stoppable.h"

#include <algorithm>

#include "noisescope/studio/job_queue.h"

namespace noisescope::studio {
namespace {

constexpr int64_t kPixelsOfPart = 8 * 32 * 32;

Tensor part_of(const Tensor& batch, int64_t begin, int64_t end) { return batch.slice(0, begin, end); }

}  // namespace

Denoiser in_parts(Denoiser whole, int64_t rows, std::function<void()> look) {
  return [whole = std::move(whole), rows, look = std::move(look)](const Tensor& x, const Tensor& sigma,
                                                                  const Tensor& condition) {
    std::vector<Tensor> parts;
    for (int64_t begin = 0; begin < std::max<int64_t>(x.size(0), 1); begin += rows) {
      look();
      const int64_t end = std::min(begin + rows, x.size(0));
      parts.push_back(whole(part_of(x, begin, end), part_of(sigma, begin, end), part_of(condition, begin, end)));
      if (parts.back().requires_grad()) {
        parts.back().register_hook([look](const Tensor& gradient) {
          look();
          return gradient;
        });
      }
    }
    return parts.size() == 1 ? parts.front() : torch::cat(parts);
  };
}

Model stoppable(Model model) {
  if (!model.device.is_cpu()) return model;
  const int64_t rows = std::max<int64_t>(1, kPixelsOfPart / (model.image_shape[1] * model.image_shape[2]));
  model.denoiser = in_parts(std::move(model.denoiser), rows, throw_if_job_stopped);
  return model;
}

}  // namespace noisescope::studio
