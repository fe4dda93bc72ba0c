// U-turns without prompt on the `fine` world, against the posterior that they sample.
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/explain/u_turn.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/estimates.h"

namespace noisescope {
namespace {

struct Factor {
  const char* name;
  SceneFactor factor;
  double chance;
};

std::vector<Factor> factors_of(const World& world) {
  return {{"background", SceneFactor::background, 1.0 / double(world.background_count())},
          {"colour", SceneFactor::left_colour, 1.0 / double(world.colour_count())},
          {"shape", SceneFactor::left_shape, 1.0 / double(world.shape_count())}};
}

/// p(factor | x) without prompt for each factor and its true value: [B, F].
Tensor posterior_of_truth(const WorldDenoiser& truth, const SceneBatch& batch, const Tensor& x,
                          double sigma) {
  const Tensor sigmas = torch::full({batch.size()}, sigma, torch::kFloat64);
  const Tensor null = truth.null_condition().expand({batch.size(), -1});
  std::vector<Tensor> columns;
  for (const Factor& f : factors_of(batch.world)) {
    std::vector<int64_t> own;
    for (const Scene& scene : batch.scenes) {
      own.push_back(f.factor == SceneFactor::background ? scene.background
                    : f.factor == SceneFactor::left_colour ? scene.left.colour
                                                           : scene.left.shape);
    }
    columns.push_back(truth.posterior(x, sigmas, null, f.factor)
                          .gather(1, torch::tensor(own).unsqueeze(1)).squeeze(1));
  }
  return torch::stack(columns, 1);
}

struct Comparison {
  UTurns turns;
  Tensor exact;  // [L, F]: E p(own value | x_alpha)
};

Comparison compare(const VerifyContext& context, const SceneBatch& batch, uint64_t seed) {
  constexpr double kReadSigma = 0.05;
  const std::vector<int64_t> ids = sample_range(0, batch.size());
  const Random random(seed);
  UTurnOptions options;
  options.log_snrs = {-7, -6, -5, -4, -3, -2, -1, 0};
  const KeepsFactors keeps = [&](const Tensor& x) {
    return (posterior_of_truth(context.fine, batch, x, kReadSigma) > 0.5).to(torch::kFloat64);
  };
  const Subject& subject = context.exact_fine;
  const std::vector<std::string> null(static_cast<size_t>(batch.size()), "");
  Comparison result{u_turns(subject.denoiser, batch.pictures, subject.condition(null), keeps, options,
                            random, ids, context.control), {}};
  std::vector<Tensor> rows;
  for (size_t i = 0; i < options.log_snrs.size(); ++i) {
    const double sigma = sigma_of_log_snr(options.log_snrs[i]);
    const Tensor eps = random.normal(Purpose::explain, 1000 + i, ids,
                                     batch.pictures.sizes().slice(1), torch::kFloat64);
    rows.push_back(
        posterior_of_truth(context.fine, batch, batch.pictures + sigma * eps, sigma).mean(0));
  }
  result.exact = torch::stack(rows);
  return result;
}

}  // namespace

std::vector<VerifyRow> check_u_turn(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed,
                                               context.n(400, 100));
  const Comparison c = compare(context, batch, context.options.seed);
  const Tensor retention = c.turns.retention();
  const Tensor error = (retention - c.exact).square().mean().sqrt();
  // Of the error, what the number of pictures alone explains: the binomial variance of each point.
  const Tensor chance = (c.exact * (1 - c.exact) / static_cast<double>(batch.size())).mean().sqrt();
  const double rmse = error.item<double>(), spread = chance.item<double>();
  const auto factors = factors_of(batch.world);
  std::vector<double> half;
  for (size_t f = 0; f < factors.size(); ++f) {
    half.push_back(c.turns.half_point(static_cast<int64_t>(f), factors[f].chance));
  }
  const double ordered = half[0] < half[1] && half[1] < half[2] ? 1 : 0;
  const double clock = speciation_log_snr(
      contrastable_scenes(context.fine.world(), context.options.seed + 1, 1500).pictures);
  const double late = std::abs(clock - half[0]);
  const std::string method = "u-turn", subject = context.exact_fine.name;
  return {{method, subject, "retention against the exact posterior: RMSE", Direction::at_most, 0.05,
           {rmse, std::max(0.0, rmse - spread), rmse + spread, batch.size()}},
          {method, subject, "half-points: background before colour before shape",
           Direction::at_least, 1, {ordered, ordered, ordered, batch.size()}},
          {method, subject, "speciation clock: log-SNR off the background's half-point",
           Direction::at_most, 1, {late, late, late, 1500}}};
}

}  // namespace noisescope
