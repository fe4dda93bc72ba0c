#include "noisescope/nn/orthogonalizers.h"

namespace noisescope::nn {

Tensor orthogonalizers(const Tensor& grams, int64_t steps) {
  check_shape("nn.orthogonalizers", "grams", grams, {-1, -1, grams.dim() == 3 ? grams.size(1) : -1});
  constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
  const Tensor square_norm = grams.diagonal(0, 1, 2).sum(-1).clamp_min(1e-19).view({-1, 1, 1});
  Tensor gram = grams / square_norm;
  Tensor product = square_norm.rsqrt();  // of all factors, which commute with each other and the Gram matrix
  for (int64_t step = 0; step < steps; ++step) {
    Tensor factor = torch::baddbmm(gram, gram, gram, kCubic, kQuintic);
    factor.diagonal(0, 1, 2).add_(kLinear);
    product = step == 0 ? product * factor : torch::bmm(product, factor);
    if (step + 1 < steps) gram = torch::bmm(torch::bmm(factor, gram), factor);
  }
  return product;
}

}  // namespace noisescope::nn
