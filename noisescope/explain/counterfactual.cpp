#include "noisescope/explain/counterfactual.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"

namespace noisescope {

void describe(Describer& d, CounterfactualOptions& options) {
  d("changed", options.changed, "squared change from which a pixel counts as changed", {.min = 0});
}

Tensor Counterfactual::share_in(const Tensor& region) const {
  check_shape("explain.Counterfactual.share_in", "change", change, {-1, -1, -1});
  if (region.dim() != 2 || region.size(0) != change.size(1) || region.size(1) != change.size(2)) {
    check_shape("explain.Counterfactual.share_in", "region", region,
                {change.size(0), change.size(1), change.size(2)});
  }
  const Tensor inside = region.to(torch::kCPU, torch::kFloat64);
  return (change * inside).sum({1, 2}) / change.sum({1, 2});
}

Tensor Counterfactual::factors_changed(const ReadFactors& read) const {
  return read(pictures).ne(read(altered));
}

Counterfactual compare_pictures(const Tensor& pictures, const Tensor& altered,
                                const CounterfactualOptions& options) {
  check_shape("explain.compare_pictures", "pictures", pictures, {-1, -1, -1, -1});
  check_shape("explain.compare_pictures", "altered", altered,
              {pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
  if (!(options.changed >= 0)) {
    throw ValueError("[explain.compare_pictures] expected changed >= 0, got " +
                     std::to_string(options.changed));
  }
  const Tensor change =
      (altered - pictures).to(torch::kCPU, torch::kFloat64).square().sum(1);
  return {pictures, altered, change, change > options.changed};
}

Counterfactual draw_counterfactual(const DrawPictures& draw, const Tensor& initial,
                                   const Tensor& condition, const Tensor& altered,
                                   const NoiseSource& noise, const CounterfactualOptions& options) {
  const torch::NoGradGuard no_grad;
  return compare_pictures(draw(initial, condition, noise), draw(initial, altered, noise), options);
}

}  // namespace noisescope
