// Kolmogorov's test of uniformity, for the p-values of tests that hold under their null.
#pragma once

#include <algorithm>
#include <cmath>

#include "noisescope/core/tensor.h"

namespace noisescope {

/// p-value of the hypothesis that p-values [n] are uniform in [0, 1] (Kolmogorov 1933, the limit
/// distribution).
inline double uniformity(const Tensor& p) {
  const Tensor sorted = std::get<0>(p.sort());
  const auto n = static_cast<double>(p.size(0));
  const Tensor steps = torch::arange(p.size(0), torch::kFloat64);
  const double d = std::max((sorted - steps / n).max().item<double>(), ((steps + 1) / n - sorted).max().item<double>());
  double tail = 0;
  for (int k = 1; k < 100; ++k) tail += 2 * std::pow(-1, k - 1) * std::exp(-2 * k * k * n * d * d);
  return tail;
}

}  // namespace noisescope
