// What decided what in the noise: Sobol indices against their closed form, and tiles and blocks of the
// initial noise against the object they lie under, on the `fine` world with DDIM in 13 steps.
#include <ATen/ops/roll.h>

#include "noisescope/world/parser.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/explain/noise_sobol.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/explain/noise_transplant.h"
#include "noisescope/verify/check.h"
#include "noisescope/stats/estimate_of.h"

namespace noisescope {
namespace {

const std::vector<int64_t> kWorldShape = {3, kWorldImagePx, kWorldImagePx};

// ---- Sobol indices ----

constexpr double kVariance = 0.7;  // of the Gaussian pixels

std::vector<double> gaussian_sigmas() { return {8, 4, 2, 1, 0.5, 0.25, 0}; }

Tensor shrink(const Tensor& x, const Tensor& sigma, const Tensor&) {
  return x * per_sample(kVariance / (kVariance + sigma.square()));
}

/// Ancestral sampling of Gaussian pixels is linear in the noises: the share of the final variance that
/// x_T and three windows of two steps have (Ho et al. 2020, arXiv:2006.11239, eq. 7), [4].
Tensor closed_shares() {
  const std::vector<double> sigmas = gaussian_sigmas();
  std::vector<double> gains = {sigmas[0]};
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double sigma2 = sigmas[i] * sigmas[i], next2 = sigmas[i + 1] * sigmas[i + 1];
    const double r2 = next2 / sigma2;
    for (double& gain : gains) gain *= r2 + (1 - r2) * kVariance / (kVariance + sigma2);
    gains.push_back(std::sqrt(next2 * (1 - r2)));
  }
  const Tensor variance = torch::tensor(gains, torch::kDouble).square();
  const Tensor windows = variance.slice(0, 1).view({3, 2}).sum(1);
  return torch::cat({variance.slice(0, 0, 1), windows}) / variance.sum();
}

/// The largest error over players and both orders, with the interval of that index.
Estimate worst_index(const SobolIndices& found, const Tensor& closed, int64_t n) {
  const Tensor errors = (torch::cat({found.first, found.total}).squeeze(1) - closed.repeat({2})).abs();
  const Tensor spread = torch::cat({found.first_error, found.total_error}).squeeze(1);
  const auto worst = errors.argmax().item<int64_t>();
  const double value = errors[worst].item<double>(), half = 1.96 * spread[worst].item<double>();
  return {value, std::max(0.0, value - half), value + half, n};
}

VerifyRow gaussian_row(const VerifyContext& context) {
  constexpr int64_t kRuns = 8192;
  const NoiseSource noise{Random(context.options.seed), sample_range(0, kRuns)};
  const Tensor nothing = torch::zeros({kRuns, 1}, torch::kDouble);
  const Trajectory trajectory({shrink, gaussian_sigmas(), {.solver = Solver::ddpm}, {.clamp = 0}, kRuns},
                              {nothing, nothing, noise.initial({1, 2, 2}, torch::kDouble), noise});
  const auto pixel = [](const Tensor& x) { return x.flatten(1).slice(1, 0, 1); };
  const NoiseSobol found = noise_sobol(trajectory, pixel, {.windows = 3}, context.control);
  return {"noise Sobol indices", "exact Gaussian", "indices of x_T and 3 windows: worst error",
          Direction::at_most, 0.02, worst_index(found.indices, closed_shares(), kRuns),
          worst_error_reversal(torch::cat({found.indices.first_error, found.indices.total_error}), 0.02)};
}

// ---- runs of the world ----

Trajectory deterministic(const Model& model, const std::vector<std::string>& captions, uint64_t seed) {
  std::vector<double> sigmas = {sigma_of_log_snr(-12)};  // all of x_T before anything is decided
  for (int64_t i = 0; i <= 11; ++i) sigmas.push_back(sigma_of_log_snr(std::lerp(-8.0, 2.0, double(i) / 11)));
  sigmas.push_back(0);
  const NoiseSource noise{Random(seed), sample_range(0, static_cast<int64_t>(captions.size()))};
  return {{model.denoiser, sigmas, {.solver = Solver::ddim}, {.clamp = 0}},
          {model.condition(captions), model.condition({""}), noise.initial(kWorldShape, torch::kDouble), noise}};
}

/// Trajectories of scenes whose captions say the sides, so that the left object is known.
struct WorldRuns {
  SceneBatch batch;
  Trajectory trajectory;

  WorldRuns(const VerifyContext& context, int64_t count)
      : batch(contrastable_scenes(context.fine.world(), context.options.seed, count)),
        trajectory(deterministic(context.exact_fine, batch.sided_captions(), context.options.seed)) {}

  /// The pixels of the left object, [B, 32, 32] bool.
  Tensor left_objects(const Tensor& pictures) const {
    std::vector<Scene> scenes;
    for (const ParsedScene& read : WorldParser(batch.world).parse(pictures)) scenes.push_back(read.scene);
    return batch.world.object_masks(scenes).select(1, 0);
  }
};

/// Deterministic runs owe every pixel to x_T.
VerifyRow deterministic_row(const VerifyContext& context) {
  const WorldRuns runs(context, context.n(200, 40));
  const auto pixels = [](const Tensor& x) { return x.flatten(1).slice(1, 0, -1, 97); };
  const NoiseSobol found = noise_sobol(runs.trajectory, pixels, {.windows = 2}, context.control);
  return {"noise Sobol indices", context.exact_fine.name, "DDIM: first-order index of x_T",
          Direction::at_least, 0.99, mean_estimate(found.indices.first[0])};
}

/// The object's place, or what a planted defect takes for it.
Tensor seen_objects(const WorldRuns& runs, const Tensor& pictures, const VerifyContext& context) {
  const Tensor masks = runs.left_objects(pictures);
  return context.broken("block-beside-object") ? masks.roll({8}, {2}) : masks;
}

std::vector<VerifyRow> transplant_rows(const VerifyContext& context) {
  const WorldRuns runs(context, context.n(400, 160));
  const int64_t count = runs.batch.size();
  const NoiseSource donors{Random(context.options.seed + 1), sample_range(0, count)};
  const auto find = [&](const Tensor& pictures) { return seen_objects(runs, pictures, context); };
  const Transplant t =
      noise_transplant(runs.trajectory, donors.initial(kWorldShape, torch::kDouble), find, {}, context.control);
  const Tensor moved = t.moved().to(torch::kDouble), control = t.moved_by_control().to(torch::kDouble);
  const int64_t n = moved.size(0);
  const double p = sign_test_p(moved - control);
  const std::string method = "noise transplant", subject = context.exact_fine.name;
  return {{method, subject, "object follows its block: share over that of a random block",
           Direction::at_least, 5,
           share_ratio(moved.sum().item<int64_t>(), n, control.sum().item<int64_t>(), n)},
          {method, subject, "object follows its block: p of a sign test", Direction::at_most, 0.01,
           {p, p, p, n}, p_value_reversal(p, 0.01)}};
}

/// 24 pictures take a minute, and fewer say nothing: with --full alone.
VerifyRow tile_row(const VerifyContext& context) {
  constexpr int64_t kTilePx = 4;
  const WorldRuns runs(context, 24);
  const NoiseTiles tiles = noise_tiles(runs.trajectory, {.tile_px = kTilePx, .redraws = 8}, context.control);
  const Tensor under = tile_cover(runs.left_objects(tiles.pictures), kTilePx) >= 0.5;
  return {"noise tiles", context.exact_fine.name, "tiles under the object: AUC by what they change",
          Direction::at_least, 0.75, mean_estimate(localisation_auc(tiles.importance(), under))};
}

}  // namespace

std::vector<VerifyRow> check_noise_causes(const VerifyContext& context) {
  std::vector<VerifyRow> rows = {gaussian_row(context), deterministic_row(context)};
  for (VerifyRow& row : transplant_rows(context)) rows.push_back(std::move(row));
  if (context.options.full) rows.push_back(tile_row(context));
  return rows;
}

}  // namespace noisescope
