#include "noisescope/nn/orthogonalize.h"

namespace noisescope {

Tensor orthogonalize(const Tensor& matrices, int64_t steps) {
  check_shape("nn.orthogonalize", "matrices", matrices, {-1, -1, -1});
  if (matrices.size(1) > matrices.size(2)) return orthogonalize(matrices.mT(), steps).mT();
  constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
  Tensor gram = torch::bmm(matrices, matrices.mT());
  // The square root of the smallest float keeps a zero matrix zero.
  const Tensor square_norm = gram.diagonal(0, 1, 2).sum(-1).clamp_min(1e-19).view({-1, 1, 1});
  gram = gram / square_norm;
  Tensor product;  // of the polynomials; they commute with each other and with the Gram matrix
  for (int64_t step = 0; step < steps; ++step) {
    Tensor factor = torch::baddbmm(gram, gram, gram, kCubic, kQuintic);
    factor.diagonal(0, 1, 2).add_(kLinear);
    product = product.defined() ? torch::bmm(factor, product) : factor;
    if (step + 1 < steps) gram = torch::bmm(torch::bmm(factor, gram), factor);
  }
  return torch::bmm(product / square_norm.sqrt(), matrices);
}

}  // namespace noisescope
