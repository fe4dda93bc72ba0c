// U-turns without prompt on the `fine` world, against the posterior that they sample; a trained network
// against the exact denoiser on the demo world.
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/explain/u_turn.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kUTurn = "u_turn";

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
Tensor posterior_of_truth(const WorldDenoiser& truth, const SceneBatch& batch, const Tensor& x, double sigma) {
  const Tensor sigmas = torch::full({batch.size()}, sigma, torch::kFloat64);
  const Tensor null = truth.null_condition().expand({batch.size(), -1});
  std::vector<Tensor> columns;
  for (const Factor& f : factors_of(batch.world)) {
    std::vector<int64_t> own;
    for (const Scene& scene : batch.scenes) {
      own.push_back(f.factor == SceneFactor::background    ? scene.background
                    : f.factor == SceneFactor::left_colour ? scene.left.colour
                                                           : scene.left.shape);
    }
    columns.push_back(truth.posterior(x, sigmas, null, f.factor).gather(1, torch::tensor(own).unsqueeze(1)).squeeze(1));
  }
  return torch::stack(columns, 1);
}

UTurnOptions u_turn_options(const Model& subject) {
  UTurnOptions options;
  options.steps = 25;
  options.log_snrs = {-7, -6, -5, -4, -3, -2, -1, 0};
  options.log_snr_end = std::min(options.log_snr_end, subject.log_snr_max);
  return options;
}

/// What pictures keep on their way back without prompt, read by the exact posterior.
UTurns turn(const VerifyContext& context, const Model& subject, const WorldDenoiser& truth, const SceneBatch& batch,
            uint64_t seed) {
  constexpr double kReadSigma = 0.05;
  const KeepsFactors keeps = [&](const Tensor& x) {
    return (posterior_of_truth(truth, batch, x, kReadSigma) > 0.5).to(torch::kFloat64);
  };
  const std::vector<std::string> null(static_cast<size_t>(batch.size()), "");
  return u_turns({subject.denoiser, subject.condition(null)}, batch.with_noise(seed), keeps, u_turn_options(subject),
                 context.control);
}

/// What exact U-turns from the same turning points keep on average: p(own value | x_alpha) of every picture.
UTurns exact_turns(const WorldDenoiser& truth, const SceneBatch& batch, const std::vector<double>& log_snrs,
                   uint64_t seed) {
  std::vector<Tensor> rows;
  for (size_t level = 0; level < log_snrs.size(); ++level) {
    const Tensor x = turning_point(batch.with_noise(seed), log_snrs, level);
    rows.push_back(posterior_of_truth(truth, batch, x, sigma_of_log_snr(log_snrs[level])));
  }
  return {log_snrs, torch::stack(rows), {}};
}

std::vector<double> half_points(const UTurns& turns, const World& world) {
  std::vector<double> half;
  for (const Factor& f : factors_of(world)) {
    half.push_back(turns.half_point(static_cast<int64_t>(half.size()), f.chance));
  }
  return half;
}

/// In how many of several seeds the background is decided before the colour, and that before the shape.
Estimate order_over_seeds(const VerifyContext& context, const UTurns& first) {
  const auto ordered = [&](const UTurns& turns) {
    const std::vector<double> half = half_points(turns, context.fine.world());
    return half[0] < half[1] && half[1] < half[2] ? 1 : 0;
  };
  const int64_t seeds = context.n(5, 3), count = context.n(200, 50);
  int64_t hits = ordered(first);
  for (int64_t k = 1; k < seeds; ++k) {
    const uint64_t seed = context.options.seed + static_cast<uint64_t>(k);
    const SceneBatch batch = contrastable_scenes(context.fine.world(), seed, count);
    hits += ordered(turn(context, context.exact_fine, context.fine, batch, seed));
  }
  return wilson(hits, seeds);
}

VerifyRows exact_rows(const VerifyContext& context) {
  const uint64_t seed = context.options.seed;
  const SceneBatch batch = contrastable_scenes(context.fine.world(), seed, context.n(400, 100));
  const UTurns turns = turn(context, context.exact_fine, context.fine, batch, seed);
  const UTurns exact = exact_turns(context.fine, batch, turns.log_snrs, seed);
  const double rmse = (turns.retention() - exact.retention()).square().mean().sqrt().item<double>();
  // Of the error, what the number of pictures alone explains: each keeps its value with chance p or does not.
  const Tensor p = exact.kept;
  const double spread = (p * (1 - p) / double(batch.size())).mean().sqrt().item<double>();
  const double clock = speciation_log_snr(contrastable_scenes(context.fine.world(), seed + 1, 1500).pictures);
  const double late = std::abs(clock - half_points(turns, batch.world)[0]);
  const std::string& subject = context.exact_fine.name;
  return {{kUTurn,
           subject,
           "retention against the exact posterior: RMSE",
           Direction::at_most,
           0.05,
           {rmse, std::max(0.0, rmse - spread), rmse + spread, batch.size()}},
          {kUTurn, subject, "half-points: background before colour before shape, share of seeds", Direction::at_least,
           1, order_over_seeds(context, turns)},
          {kUTurn,
           subject,
           "speciation clock: log-SNR off the background's half-point",
           Direction::at_most,
           1,
           {late, late, late, 1500}}};
}

/// Half-points of the trained network against the exact ones of the same pictures and turning points.
VerifyRows trained_rows(const VerifyContext& context) {
  const uint64_t seed = context.options.seed;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), seed, context.n(400, 200));
  const UTurns turns = turn(context, *context.trained, context.demo, batch, seed);
  const UTurns exact = exact_turns(context.demo, batch, turns.log_snrs, seed);
  VerifyRows rows;
  for (const Factor& f : factors_of(batch.world)) {
    const auto column = static_cast<int64_t>(rows.size());
    const auto off = [&](const Tensor& pictures) {
      const auto half = [&](const UTurns& some) {
        return UTurns{some.log_snrs, some.kept.index_select(1, pictures), {}}.half_point(column, f.chance);
      };
      return std::abs(half(turns) - half(exact));
    };
    rows.push_back({kUTurn, context.trained->name,
                    "half-point of the " + std::string(f.name) + ": log-SNR off the exact one", Direction::at_most,
                    f.factor == SceneFactor::left_shape ? 0.7 : 0.4, bootstrap(off, batch.size(), Random(seed), 200)});
  }
  return rows;
}

}  // namespace

VerifyRows check_u_turn(const VerifyContext& context) {
  VerifyRows rows = exact_rows(context);
  if (!context.trained) return rows;
  append(rows, trained_rows(context));
  return rows;
}

}  // namespace noisescope::verify
