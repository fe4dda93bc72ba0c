#include "noisescope/stats/estimate_of.h"

#include <cmath>

#include "noisescope/stats/ranks.h"

namespace noisescope::stats {
namespace {

double correlation(const Tensor& a, const Tensor& b) {
  return torch::corrcoef(torch::stack({a.flatten(), b.flatten()}))[0][1].item<double>();
}

/// `whole`, with an interval as wide as that of the mean of `parts`.
Estimate with_spread_of(double whole, const Tensor& parts) {
  const Estimate spread = mean_estimate(parts);
  const double half = (spread.high - spread.low) / 2;
  return {whole, whole - half, whole + half, spread.n};
}

}  // namespace

Estimate root_mean(const Tensor& squares) {
  const Estimate mean = mean_estimate(squares);
  return {std::sqrt(mean.value), std::sqrt(std::max(0.0, mean.low)), std::sqrt(mean.high), mean.n};
}

Estimate absolute(const Estimate& e) {
  const double far = std::max(std::abs(e.low), std::abs(e.high));
  const double near = e.low * e.high <= 0 ? 0 : std::min(std::abs(e.low), std::abs(e.high));
  return {std::abs(e.value), near, far, e.n};
}

Estimate plus(const Estimate& e, double number) { return {e.value + number, e.low + number, e.high + number, e.n}; }

Estimate bounded(const Estimate& e, double low, double high) {
  return {e.value, std::max(e.low, low), std::min(e.high, high), e.n};
}

Estimate scaled(const Estimate& e, double factor) { return {e.value * factor, e.low * factor, e.high * factor, e.n}; }

Estimate relative_off(const Tensor& values, const Tensor& closed) {
  return absolute(scaled(mean_estimate(values - closed), 1 / closed.mean().item<double>()));
}

Estimate map_correlation(const Tensor& a, const Tensor& b) {
  std::vector<double> each;
  for (int64_t i = 0; i < a.size(0); ++i) each.push_back(correlation(a[i], b[i]));
  return with_spread_of(correlation(a, b), torch::tensor(each, torch::kFloat64));
}

Estimate pooled_spearman(const Tensor& a, const Tensor& b) {
  const Tensor whole = rank_correlation(a.mean(0, true), b.mean(0, true));
  return with_spread_of(whole.item<double>(), rank_correlation(a, b));
}

double p_value_reversal(double p, double bar) {
  const auto score = [](double two_sided) {
    return torch::special_ndtri(torch::tensor(1 - two_sided / 2, torch::kFloat64)).item<double>();
  };
  const double distance = std::abs(score(p) - score(bar));
  return 0.5 * std::erfc(distance / 2);  // the difference of two such statistics has variance 2
}

double null_p_reversal(double bar, int64_t tests) { return 1 - std::pow(1 - bar, static_cast<double>(tests)); }

double worst_error_reversal(const Tensor& standard_errors, double bar) {
  const Tensor within = torch::special_erf(bar / standard_errors.to(torch::kFloat64) / std::sqrt(2.0));
  return 1 - within.prod().item<double>();
}

}  // namespace noisescope::stats
