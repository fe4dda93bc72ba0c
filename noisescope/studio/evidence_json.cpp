#include "noisescope/studio/evidence_json.h"

#include <cmath>

#include "noisescope/stats/estimate.h"

namespace noisescope::studio {
namespace {

std::vector<double> numbers_of(const Tensor& row) {
  const Tensor numbers = row.to(torch::kFloat64).contiguous();
  return {numbers.const_data_ptr<double>(), numbers.const_data_ptr<double>() + numbers.numel()};
}

Json decision_json(const Evidence& evidence) {
  const Tensor curve = mean_and_half(evidence.decision().t());
  return {{"value", numbers_of(curve[0])},
          {"low", numbers_of((curve[0] - curve[1]).clamp_min(0))},
          {"high", numbers_of((curve[0] + curve[1]).clamp_max(1))}};
}

}  // namespace

Json estimate_json(const Tensor& values) {
  const Tensor finite = values.masked_select(values.isfinite());
  if (finite.numel() < 2) {
    return {{"value", finite.numel() ? Json(finite.item<double>()) : Json()},
            {"low", nullptr},
            {"high", nullptr},
            {"n", finite.numel()}};
  }
  return to_json(mean_estimate(finite));
}

Tensor mean_and_half(const Tensor& of_paths) {
  const auto n = static_cast<double>(of_paths.size(0));
  return torch::stack({of_paths.mean(0), student_t95(of_paths.size(0) - 1) * of_paths.std(0) / std::sqrt(n)});
}

Json evidence_json(const Evidence& evidence) {
  return {{"total", estimate_json(evidence.realised_total())},
          {"decision", decision_json(evidence)},
          {"half_point", estimate_json(evidence.half_points())}};
}

}  // namespace noisescope::studio
