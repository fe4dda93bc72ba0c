#include "noisescope/stats/sobol.h"

#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {
namespace {

/// rho(u, v) over the samples, and how much each of them moves it (its influence over N).
struct Correlation {
  Tensor value;      // [.., 1, F]
  Tensor influence;  // [.., N, F]
};

Correlation correlate(const Tensor& u, const Tensor& v) {
  const Tensor squares = (u.square() + v.square()) / 2, variance = squares.mean(-2, true);
  const Tensor value = (u * v).mean(-2, true) / variance;
  return {value, (u * v - value * squares) / variance};
}

/// Standard error of a mean of influences [K, N, F], at r = 0, its expectation: [K, F].
Tensor error_of(const Correlation& own, const Correlation& other, const Correlation& chance) {
  const Tensor influence = own.influence - other.value * chance.influence;
  return influence.std(1) / std::sqrt(static_cast<double>(influence.size(1)));
}

}  // namespace

SobolIndices sobol_indices(const Tensor& a, const Tensor& b, const Tensor& mixed) {
  check_shape("stats.sobol_indices", "a", a, {-1, -1});
  check_shape("stats.sobol_indices", "b", b, {a.size(0), a.size(1)});
  check_shape("stats.sobol_indices", "mixed", mixed, {-1, a.size(0), a.size(1)});
  if (a.size(0) < 2) {
    throw ValueError(format_text("[stats.sobol_indices] expected at least 2 samples, got {}", a.size(0)));
  }
  const auto plain = [](const Tensor& t) { return t.to(torch::kCPU, torch::kFloat64); };
  const Tensor centre = (plain(a).mean(0) + plain(b).mean(0)) / 2;
  const Tensor fa = plain(a) - centre, fb = plain(b) - centre, fk = plain(mixed) - centre;
  const Correlation with_a = correlate(fa, fk), with_b = correlate(fb, fk);
  const Correlation chance = correlate(fa, fb);
  const Tensor r = chance.value, rest = 1 - r.square();
  return {((with_b.value - r * with_a.value) / rest).squeeze(1), error_of(with_b, with_a, chance),
          1 - ((with_a.value - r * with_b.value) / rest).squeeze(1), error_of(with_a, with_b, chance)};
}

}  // namespace noisescope::stats
