// What each tile of the initial noise decides: on independent Gaussian pixels, which take their own noise alone and
// by a known factor, and on the `fine` world against the object that lies over the tile.
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/gaussian_models.h"
#include "noisescope/verify/world_trajectory.h"

namespace noisescope::verify {
namespace {

constexpr const char* kNoiseTiles = "noise_tiles";
constexpr double kPixelVariance = 0.7;  // of the Gaussian pixels

std::vector<double> tile_sigmas() { return {8, 4, 2, 1, 0.5, 0.25, 0}; }

/// DDIM's picture of a Gaussian pixel is this factor times its number in x_T: x' - D = (sigma' / sigma) (x - D).
double closed_gain() {
  const std::vector<double> sigmas = tile_sigmas();
  double gain = sigmas[0];
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double shrink = kPixelVariance / (kPixelVariance + sigmas[i] * sigmas[i]);
    gain *= shrink + sigmas[i + 1] / sigmas[i] * (1 - shrink);
  }
  return gain;
}

/// The noise of a tile drawn anew moves its n pixels by 2 gain^2 n on average, and no others.
VerifyRows tile_gaussian_rows(const VerifyContext& context) {
  constexpr int64_t kPictures = 48, kTilePx = 4, kChannels = 2;
  const Model model = context.seen(&Seams::model, gaussian_pixels(kPixelVariance));
  const NoiseSource noise{Random(context.options.seed), sample_range(0, kPictures)};
  const Tensor none = model.null_condition(kPictures);
  const Trajectory trajectory({model.denoiser, tile_sigmas(), {.solver = Solver::ddim}, {.clamp = 0}},
                              {none, none, noise.initial({kChannels, 8, 8}, torch::kDouble), noise});
  const NoiseTiles tiles = noise_tiles(trajectory, {.tile_px = kTilePx, .redraws = 8}, context.control);
  const Tensor own = tiles.effect.diagonal(0, 1, 2);
  const double others = ((tiles.effect.sum(2) - own) / tiles.effect.sum(2)).max().item<double>();
  const double closed = 2 * closed_gain() * closed_gain() * kTilePx * kTilePx * kChannels;
  const Tensor each = own.mean(1);
  return {{kNoiseTiles,
           model.name,
           "effect on other tiles, worst share",
           Direction::at_most,
           1e-12,
           {others, others, others, kPictures}},
          {kNoiseTiles, model.name, "effect on the own tile: off the closed form, relative", Direction::within, 0.038,
           relative_off(each, torch::full_like(each, closed))}};
}

/// 24 pictures take a minute, and fewer say nothing: with --full alone.
VerifyRow tile_row(const VerifyContext& context) {
  constexpr int64_t kTilePx = 4;
  const WorldTrajectory runs(context, 24);
  const NoiseTiles tiles = noise_tiles(runs.trajectory, {.tile_px = kTilePx, .redraws = 8}, context.control);
  const Tensor under = tile_cover(runs.left_objects(tiles.pictures), kTilePx) >= 0.5;
  return {kNoiseTiles,
          context.exact_fine.name,
          "tiles under the object: AUC by what they change",
          Direction::at_least,
          0.75,
          mean_estimate(localisation_auc(tiles.importance(), under))};
}

}  // namespace

VerifyRows check_noise_tiles(const VerifyContext& context) {
  VerifyRows rows = tile_gaussian_rows(context);
  if (context.options.full) rows.push_back(tile_row(context));
  return rows;
}

}  // namespace noisescope::verify
