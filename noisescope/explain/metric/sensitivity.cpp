#include "noisescope/explain/metric/sensitivity.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/answer.h"

namespace noisescope::explain {

Sensitivity sensitivity(const MapsOf& maps_of, const Tensor& pictures, const Tensor& perturbations) {
  check_shape("explain.sensitivity", "pictures", pictures, {-1, -1, -1, -1});
  check_shape("explain.sensitivity", "perturbations", perturbations,
              {-1, pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
  if (perturbations.size(0) < 1) {
    throw ValueError("[explain.sensitivity] expected at least one perturbation, got none");
  }
  const auto map_rows = [&](const Tensor& some) { return maps_of(some).flatten(1).to(torch::kFloat64); };
  const Tensor original = map_rows(pictures);
  const Tensor length = original.norm(2, 1);
  const Tensor unit = torch::where(length == 0, torch::ones_like(length), length);
  std::vector<Tensor> changes;
  for (int64_t n = 0; n < perturbations.size(0); ++n) {
    const Tensor moved = pictures + perturbations[n].to(pictures.options());
    changes.push_back((map_rows(moved) - original).norm(2, 1) / unit);
  }
  const Tensor all = torch::stack(changes).cpu();
  return {all.amax(0), all.mean(0)};
}

Tensor uniform_perturbations(double radius, int64_t draws, torch::IntArrayRef shape, const Random& random,
                             const std::vector<int64_t>& sample_ids) {
  if (!(radius > 0)) {
    throw ValueError(format_text("[explain.uniform_perturbations] expected radius > 0, got {}", radius));
  }
  if (draws < 1 || draws > 1000000) {
    throw ValueError(format_text("[explain.uniform_perturbations] expected 1 to 1000000 draws, got {}", draws));
  }
  std::vector<Tensor> rows;
  const uint64_t first = name_hash("sensitivity");
  for (int64_t n = 0; n < draws; ++n) {
    rows.push_back(
        random.uniform(Purpose::explain, first + static_cast<uint64_t>(n), sample_ids, shape, torch::kFloat64) *
            (2 * radius) -
        radius);
  }
  return torch::stack(rows);
}

void describe(AnswerDescriber& d, const Sensitivity& a) {
  d("max", a.max, "picture", "", "largest relative change of the map", {.null = 1});
  d("mean", a.mean, "picture", "", "mean relative change of the map", {.null = 1});
}

}  // namespace noisescope::explain
