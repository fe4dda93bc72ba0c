#include "noisescope/explain/metric/agreement.h"

#include <cmath>

#include <ATen/ops/searchsorted.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// Ranks of each row less their mean, ties at the middle of theirs: [B, P] float64.
Tensor centred_ranks(const Tensor& maps) {
  const Tensor rows = maps.flatten(1).to(torch::kFloat64).contiguous();
  const Tensor sorted = std::get<0>(rows.sort(1));
  const Tensor below = at::searchsorted(sorted, rows, false, false);
  const Tensor not_above = at::searchsorted(sorted, rows, false, true);
  return (below + not_above - rows.size(1)).to(torch::kFloat64) / 2;
}

}  // namespace

Tensor rank_correlation(const Tensor& a, const Tensor& b) {
  if (a.dim() < 2 || a.sizes() != b.sizes()) {
    throw ShapeError("[explain.rank_correlation] expected two sets of maps of one shape, got " +
                     describe_tensor(a) + " and " + describe_tensor(b));
  }
  const Tensor x = centred_ranks(a), y = centred_ranks(b);
  const Tensor scale = (x.square().sum(1) * y.square().sum(1)).sqrt();
  const Tensor has_nan = a.flatten(1).isnan().any(1) | b.flatten(1).isnan().any(1);
  return ((x * y).sum(1) / scale).masked_fill(has_nan, std::nan(""));  // 0 / 0 where one is constant
}

}  // namespace noisescope
