#include "noisescope/evaluate/resampling.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"

namespace noisescope {

Estimate bootstrap(const Statistic& statistic, int64_t n, const Random& random,
                   int64_t replicates) {
  if (n < 2 || replicates < 40) {
    throw ValueError("[evaluate.bootstrap] expected at least 2 observations and 40 replicates, got " +
                     std::to_string(n) + " and " + std::to_string(replicates));
  }
  const Tensor draws =
      (random.uniform(Purpose::evaluation, name_hash("bootstrap"), sample_range(0, replicates), {n},
                      torch::kFloat64) * static_cast<double>(n)).to(torch::kInt64);
  std::vector<double> values;
  for (int64_t i = 0; i < replicates; ++i) values.push_back(statistic(draws[i]));
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    return values[static_cast<size_t>(std::lround(q * static_cast<double>(replicates - 1)))];
  };
  return {statistic(torch::arange(n)), quantile(0.025), quantile(0.975), n};
}

double sign_flip_p(const Tensor& differences, const Random& random, int64_t draws) {
  check_shape("evaluate.sign_flip_p", "differences", differences, {-1});
  if (draws < 1) {
    throw ValueError("[evaluate.sign_flip_p] expected at least 1 draw, got " +
                     std::to_string(draws));
  }
  const Tensor d = differences.to(torch::kFloat64);
  const Tensor signs = (random.uniform(Purpose::evaluation, name_hash("sign flips"),
                                       sample_range(0, draws), {d.size(0)}) < 0.5)
                           .to(torch::kFloat64) * 2 - 1;
  const double rounding = 1e-12 * d.abs().sum().item<double>();  // a flip of no sign counts
  const int64_t reached = (signs.matmul(d) >= d.sum() - rounding).sum().item<int64_t>();
  return static_cast<double>(1 + reached) / static_cast<double>(1 + draws);
}

}  // namespace noisescope
