#include "noisescope/stats/ranks.h"

#include <limits>

#include <ATen/ops/searchsorted.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {
namespace {

/// Ranks of each row less their mean, times 2: whole numbers, [B, n] float64.
Tensor centred_ranks(const Tensor& values) {
  const Tensor rows = values.contiguous();
  const Tensor sorted = std::get<0>(rows.sort(1));
  const Tensor below = at::searchsorted(sorted, rows, false, false);
  const Tensor not_above = at::searchsorted(sorted, rows, false, true);
  return (below + not_above - rows.size(1)).to(torch::kFloat64);
}

}  // namespace

Tensor rank_correlation(const Tensor& a, const Tensor& b) {
  check_shape("stats.rank_correlation", "a", a, {-1, -1});
  check_shape("stats.rank_correlation", "b", b, {a.size(0), a.size(1)});
  if (a.size(1) < 2) {
    throw ValueError(format_text("[stats.rank_correlation] expected at least 2 values, got {}", a.size(1)));
  }
  const Tensor x = centred_ranks(a), y = centred_ranks(b);
  const Tensor correlation = (x * y).sum(1) / (x.square().sum(1) * y.square().sum(1)).sqrt();
  return correlation.masked_fill((a.isnan() | b.isnan()).any(1), std::numeric_limits<double>::quiet_NaN());
}

}  // namespace noisescope::stats
