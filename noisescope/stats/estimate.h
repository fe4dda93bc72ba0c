// Intervals for the numbers that the product reports: no number without its n and its interval.
#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "noisescope/core/tensor.h"
#include "noisescope/stats/student_t.h"

namespace noisescope::stats {

/// A measured number, its two-sided 95 % interval, and how many independent observations it rests on.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
  int64_t n = 0;
};

nlohmann::ordered_json to_json(const Estimate& estimate);

/// Standard error of an estimate whose interval is +- 1.96 of them; of few observations larger than theirs, as that of
/// a normal estimate with such an interval.
double standard_error(const Estimate& estimate);

/// Share `hits / n` with the Wilson score interval at 95 %.
/// E. B. Wilson 1927, "Probable inference, the law of succession, and statistical inference", p. 209.
/// Throws ValueError unless 0 <= hits <= n and n >= 1.
Estimate wilson(int64_t hits, int64_t n);

/// Mean of independent observations [n] with its interval by Student's t of n - 1 degrees of freedom. n >= 2.
Estimate mean_estimate(const Tensor& values);

/// Ratio of the shares hits_a / n_a and hits_b / n_b with the interval of its logarithm (Katz et al. 1978,
/// Biometrics 34, p. 469); 1/2 is added to all four counts, so that it is finite where b has no hits (Walter
/// 1975, Biometrika 62, p. 371). Of pairs that vary together the interval is too wide. n = n_a + n_b.
/// Throws ValueError unless 0 <= hits <= n and n >= 1 of both.
Estimate share_ratio(int64_t hits_a, int64_t n_a, int64_t hits_b, int64_t n_b);

/// p-value of the hypothesis that p-values [n] are uniform in [0, 1]: Kolmogorov's test with its limit
/// distribution (Kolmogorov 1933), good for n >= 100.
double uniformity_p(const Tensor& p);

/// p-value of the hypothesis that independent differences [n] are as often above as below 0: the exact
/// two-sided sign test (Dixon & Mood 1946); differences of 0 are left out. Throws ValueError if none is
/// left or one is NaN.
double sign_test_p(const Tensor& differences);

}  // namespace noisescope::stats
