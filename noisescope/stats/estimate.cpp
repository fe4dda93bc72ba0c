#include "noisescope/stats/estimate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5 % quantile of the standard normal

void check_hits(const std::string& function, int64_t hits, int64_t n) {
  if (n < 1 || hits < 0 || hits > n) {
    throw ValueError(format_text("[stats.{}] expected 0 <= hits <= n and n >= 1, got {} of {}", function, hits, n));
  }
}

}  // namespace

nlohmann::ordered_json to_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}, {"n", estimate.n}};
}

double standard_error(const Estimate& estimate) { return (estimate.high - estimate.low) / (2 * kZ95); }

Estimate wilson(int64_t hits, int64_t n) {
  check_hits("wilson", hits, n);
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(hits) / count;
  const double z2 = kZ95 * kZ95 / count;
  const double centre = (p + z2 / 2) / (1 + z2);
  const double half = kZ95 / (1 + z2) * std::sqrt(p * (1 - p) / count + z2 / (4 * count));
  return {p, hits == 0 ? 0 : centre - half, hits == n ? 1 : centre + half, n};
}

Estimate mean_estimate(const Tensor& values) {
  check_shape("stats.mean_estimate", "values", values, {-1});
  const int64_t n = values.size(0);
  if (n < 2) {
    throw ValueError(format_text("[stats.mean_estimate] expected at least 2 values, got {}", n));
  }
  const Tensor x = values.to(torch::kFloat64);
  const double mean = x.mean().item<double>();
  const double half = student_t95(n - 1) * x.std().item<double>() / std::sqrt(static_cast<double>(n));
  return {mean, mean - half, mean + half, n};
}

Estimate share_ratio(int64_t hits_a, int64_t n_a, int64_t hits_b, int64_t n_b) {
  check_hits("share_ratio", hits_a, n_a);
  check_hits("share_ratio", hits_b, n_b);
  const double a = double(hits_a) + 0.5, b = double(hits_b) + 0.5;
  const double all_a = double(n_a) + 0.5, all_b = double(n_b) + 0.5;
  const double ratio = a / all_a / (b / all_b);
  const double spread = std::exp(kZ95 * std::sqrt(1 / a - 1 / all_a + 1 / b - 1 / all_b));
  return {ratio, ratio / spread, ratio * spread, n_a + n_b};
}

double uniformity_p(const Tensor& p) {
  check_shape("stats.uniformity_p", "p", p, {-1});
  const Tensor sorted = std::get<0>(p.to(torch::kFloat64).sort());
  const auto n = static_cast<double>(p.size(0));
  const Tensor before = torch::arange(p.size(0), torch::kFloat64) / n;
  const double d = std::max((sorted - before).max().item<double>(), (before + 1 / n - sorted).max().item<double>());
  if (n * d * d < 0.04) return 1;  // where the series converges slowly it is 1 - 1e-11
  double tail = 0;
  for (int k = 1; k <= 100; ++k) {
    tail += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * n * d * d);
  }
  return std::clamp(tail, 0.0, 1.0);
}

double sign_test_p(const Tensor& differences) {
  check_shape("stats.sign_test_p", "differences", differences, {-1});
  const auto above = (differences > 0).sum().item<int64_t>();
  const auto below = (differences < 0).sum().item<int64_t>();
  const int64_t n = above + below;
  if (n == 0 || differences.isnan().any().item<bool>()) {
    throw ValueError(format_text("[stats.sign_test_p] expected differences other than 0 and no NaN, got {} of {}", n,
                                 differences.size(0)));
  }
  double tail = 0;  // P(at most min(above, below) of n), each 1/2
  for (int64_t k = 0; k <= std::min(above, below); ++k) {
    tail += std::exp(std::lgamma(double(n) + 1) - std::lgamma(double(k) + 1) - std::lgamma(double(n - k) + 1) -
                     double(n) * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

}  // namespace noisescope::stats
