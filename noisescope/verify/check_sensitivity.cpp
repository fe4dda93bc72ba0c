// Sensitivity of maps that are linear in the picture: a map A x changes by A d, and where A only turns, by |d| / |x|.
#include <ATen/ops/linalg_qr.h>

#include "noisescope/explain/metric/sensitivity.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kSensitivity = "sensitivity";
constexpr int64_t kRobustPictures = 16, kRobustDraws = 12, kRobustSide = 8;

VerifyRow relative_row(const char* figure, const Tensor& found, const Tensor& closed) {
  const double worst = (found / closed - 1).abs().max().item<double>();
  return {kSensitivity,       "linear map", std::string(figure) + ": relative error, worst",
          Direction::at_most, 1e-6,         {worst, worst, worst, kRobustPictures}};
}

}  // namespace

VerifyRows check_sensitivity(const VerifyContext& context) {
  constexpr int64_t kPixels = kRobustSide * kRobustSide;
  const Random random(context.options.seed);
  const std::vector<int64_t> ids = sample_range(0, kRobustPictures);
  const Tensor pictures = random.normal(Purpose::scene, 0, ids, {1, kRobustSide, kRobustSide}, torch::kFloat64);
  // Perturbations of each picture are of their own size, so that no two pictures have the same answer.
  const Tensor sizes = torch::linspace(0.05, 0.5, kRobustPictures, torch::kFloat64).view({-1, 1, 1, 1});
  const Tensor perturbations =
      sizes * uniform_perturbations(1, kRobustDraws, {1, kRobustSide, kRobustSide}, random, ids);
  const Tensor white = random.normal(Purpose::weights, 0, {0}, {kPixels, kPixels}, torch::kFloat64)[0];
  const Tensor turn = std::get<0>(at::linalg_qr(white));
  const auto maps_by = [&](const Tensor& matrix) {
    return sensitivity(
        [&](const Tensor& x) {
          return context.seen(&Seams::map, x.flatten(1).matmul(matrix).view({-1, kRobustSide, kRobustSide}));
        },
        pictures, perturbations);
  };
  const auto length = [](const Tensor& rows, const Tensor& matrix) {
    return rows.flatten(-3).matmul(matrix).norm(2, -1);
  };
  const Sensitivity turned = maps_by(turn), general = maps_by(white);
  const Tensor eye = torch::eye(kPixels, torch::kFloat64);
  const Tensor by_turn = length(perturbations, eye) / length(pictures, eye);  // [N, B]: without the turn
  const Tensor by_white = length(perturbations, white) / length(pictures, white);
  return {relative_row("turned picture, largest change", turned.max, std::get<0>(by_turn.max(0))),
          relative_row("turned picture, mean change", turned.mean, by_turn.mean(0)),
          relative_row("any linear map, largest change", general.max, std::get<0>(by_white.max(0)))};
}

}  // namespace noisescope::verify
