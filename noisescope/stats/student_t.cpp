#include "noisescope/stats/student_t.h"

#include <cmath>

namespace noisescope::stats {
namespace {

/// P(T <= t) of Student's t with `df` >= 1 degrees of freedom: Abramowitz & Stegun 1964, 26.7.3 and 26.7.4.
double student_cdf(double t, int64_t df) {
  const double angle = std::atan(t / std::sqrt(static_cast<double>(df))), c2 = std::pow(std::cos(angle), 2);
  const bool odd = df % 2 == 1;
  double term = odd ? std::cos(angle) : 1, sum = df == 1 ? 0 : term;
  for (int64_t k = odd ? 3 : 2; k <= df - 2; k += 2) {
    term *= c2 * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  const double inside = odd ? (angle + std::sin(angle) * sum) * 2 / std::acos(-1.0) : std::sin(angle) * sum;
  return 0.5 * (1 + inside);
}

}  // namespace

/// By bisection, beyond 400 degrees of freedom by A & S 26.7.5.
double student_t95(int64_t df) {
  constexpr double kNormal = 1.959963984540054;  // 97.5 % quantile of the standard normal
  if (df > 400) {
    const double z = kNormal, n = static_cast<double>(df);
    return z + z * (z * z + 1) / (4 * n) + z * (5 * std::pow(z, 4) + 16 * z * z + 3) / (96 * n * n);
  }
  double low = kNormal, high = 13;  // 12.706 at one degree
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_cdf(middle, df) < 0.975 ? low : high) = middle;
  }
  return high;
}

}  // namespace noisescope::stats
