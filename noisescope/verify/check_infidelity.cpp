// Infidelity where it has a closed form: of the gradient of a linear score it is 0, of a quadratic one it is the mean
// square of what the second order adds; of the exact `demo` world's log-likelihood ratio the gradient is the
// difference of the estimates over sigma^2, so that it must vanish as the fourth power of the perturbation.
#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/metric/infidelity.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kInfidelity = "infidelity";
constexpr int64_t kScoredPictures = 16, kScoredDraws = 64;

VerifyRow infidelity_row(const std::string& subject, const char* figure, double bar, const Tensor& errors) {
  const double worst = errors.max().item<double>();
  return {kInfidelity, subject, figure, Direction::at_most, bar, {worst, worst, worst, errors.size(0)}};
}

VerifyRows closed_rows(const VerifyContext& context) {
  const Random random(context.options.seed);
  const std::vector<int64_t> ids = sample_range(0, kScoredPictures);
  const auto draw = [&](Purpose purpose) { return random.normal(purpose, 0, ids, {1, 8, 8}, torch::kFloat64); };
  const Tensor pictures = draw(Purpose::scene), weights = draw(Purpose::weights), curvature = draw(Purpose::augment);
  constexpr double kSize = 0.3;
  std::vector<Tensor> draws;
  for (int64_t n = 0; n < kScoredDraws; ++n) {
    draws.push_back(kSize * random.normal(Purpose::explain, static_cast<uint64_t>(n), ids, {1, 8, 8}, torch::kFloat64));
  }
  const Tensor d = torch::stack(draws);
  const auto total = [](const Tensor& t) { return t.sum({-3, -2, -1}); };
  const PictureScore linear = [&](const Tensor& x, const Tensor&) { return total(weights * x); };
  const PictureScore quadratic = [&](const Tensor& x, const Tensor&) {
    return total(weights * x + 0.5 * curvature * x.square());
  };
  const auto of_map = [&](const PictureScore& score, const Tensor& map) {
    return infidelity(score, pictures, context.seen(&Seams::map, map), d);
  };
  const Tensor null = total(d * weights).square().mean(0);               // of a map of nothing
  const Tensor second = (0.5 * total(curvature * d.square())).square();  // <d, gradient> - (f(x) - f(x - d)), squared
  const Infidelity of_quadratic = of_map(quadratic, weights + curvature * pictures);
  // E (sum a d^2 / 2)^2 = (size^4 / 4) ((sum a)^2 + 2 sum a^2) for normal d
  const Tensor expected = std::pow(kSize, 4) / 4 * (total(curvature).square() + 2 * total(curvature.square()));
  return {infidelity_row("linear score", "gradient: share of the null value, worst", 1e-12,
                         of_map(linear, weights).raw / null),
          infidelity_row("linear score", "three times the gradient, scaled: share of the null value, worst", 1e-12,
                         of_map(linear, 3 * weights).scaled / null),
          infidelity_row("linear score", "three times the gradient: off 4 null values, relative, worst", 1e-9,
                         (of_map(linear, 3 * weights).raw / (4 * null) - 1).abs()),
          infidelity_row("quadratic score", "gradient: off the second order's square, relative, worst", 1e-9,
                         (of_quadratic.raw / second.mean(0) - 1).abs()),
          {kInfidelity, "quadratic score", "gradient: off its expectation, relative", Direction::within, 0.09,
           relative_off(of_quadratic.raw, expected)}};
}

/// ln p(x | caption) - ln p(x) at one noise level where captions are half decided.
VerifyRow world_row(const VerifyContext& context) {
  const Model& model = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, kScoredPictures);
  const Random random(context.options.seed);
  const std::vector<int64_t> ids = sample_range(0, batch.size());
  const double level = sigma_of_log_snr(-4);
  const Tensor sigma = torch::full({batch.size()}, level, torch::kFloat64);
  const auto normal = [&](uint64_t step) {
    return random.normal(Purpose::explain, step, ids, {3, kWorldImagePx, kWorldImagePx}, torch::kFloat64);
  };
  const Tensor x = batch.pictures + level * normal(0);
  const Tensor condition = model.condition(batch.captions()), null = model.null_condition(batch.size());
  const Tensor gradient = (model.denoiser(x, sigma, condition) - model.denoiser(x, sigma, null)) / (level * level);
  const PictureScore ratio = [&](const Tensor& pictures, const Tensor&) {
    return context.demo.log_density(pictures, sigma, condition) - context.demo.log_density(pictures, sigma, null);
  };
  std::vector<Tensor> draws;
  for (uint64_t n = 0; n < 12; ++n) draws.push_back(normal(1 + n));
  const Tensor d = torch::stack(draws);
  const Tensor map = context.seen(&Seams::map, gradient);
  const auto at = [&](double size) { return infidelity(ratio, x, map, size * d).raw.mean(); };
  const double order = std::log2((at(0.02) / at(0.01)).item<double>());
  return {
      kInfidelity,        model.name, "likelihood ratio: order in which it falls with the perturbation, off 4",
      Direction::at_most, 0.2,        {std::abs(order - 4), std::abs(order - 4), std::abs(order - 4), batch.size()}};
}

}  // namespace

VerifyRows check_infidelity(const VerifyContext& context) {
  VerifyRows rows = closed_rows(context);
  rows.push_back(world_row(context));
  return rows;
}

}  // namespace noisescope::verify
