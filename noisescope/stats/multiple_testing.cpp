#include "noisescope/stats/multiple_testing.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {
namespace {

/// Sums of the same numbers in another order are ties, not smaller.
Tensor with_ties(const Tensor& observed) { return observed - 1e-9 * observed.abs(); }

void check_relabelling(const char* where, const Tensor& observed, const Tensor& null) {
  check_shape(where, "null", null, {-1, observed.numel()});
  check_shape(where, "observed", observed, {-1});
  if (null.size(0) < 1 || observed.isnan().any().item<bool>() || null.isnan().any().item<bool>()) {
    throw ValueError(
        format_text("[{}] expected at least one relabelling and no NaN, got {}", where, describe_tensor(null)));
  }
}

}  // namespace

Tensor holm(const Tensor& p) {
  check_shape("stats.holm", "p", p, {-1});
  const auto [sorted, order] = p.to(torch::kFloat64).sort(0);
  const int64_t tests = p.size(0);
  Tensor corrected = torch::empty_like(sorted);
  double largest = 0;
  for (int64_t i = 0; i < tests; ++i) {
    largest = std::max(largest, std::min(1.0, double(tests - i) * sorted[i].item<double>()));
    corrected[order[i].item<int64_t>()] = largest;
  }
  return corrected;
}

Tensor benjamini_hochberg(const Tensor& p) {
  const auto [sorted, order] = p.to(torch::kFloat64).flatten().sort(0);
  const int64_t tests = sorted.numel();
  if (tests == 0) return p.to(torch::kFloat64);
  const Tensor rank = torch::arange(1, tests + 1, torch::kFloat64);
  const Tensor scaled = sorted * static_cast<double>(tests) / rank;
  const Tensor adjusted = std::get<0>(scaled.flip({0}).cummin(0)).flip({0}).clamp_max(1);
  return torch::empty_like(adjusted).index_copy_(0, order, adjusted).view(p.sizes());
}

Tensor relabelling_p(const Tensor& observed, const Tensor& null) {
  check_relabelling("stats.relabelling_p", observed, null);
  const Tensor reached = (null >= with_ties(observed)).sum(0).to(torch::kFloat64);
  return (1 + reached) / static_cast<double>(null.size(0) + 1);
}

Tensor relabelling_max_p(const Tensor& observed, const Tensor& null) {
  check_relabelling("stats.relabelling_max_p", observed, null);
  return relabelling_p(observed, null.amax(1, true).expand_as(null));
}

}  // namespace noisescope::stats
