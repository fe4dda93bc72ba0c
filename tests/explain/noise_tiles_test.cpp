#include "noisescope/explain/noise_tiles.h"

#include <ATen/ops/roll.h>
#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "tests/diffusion/small_trajectory.h"

namespace noisescope {
namespace {

/// Two pictures of `trajectory` (one_step, two_steps).
template <class MakeTrajectory>
NoiseTiles tiles_of(const Denoiser& draw, const NoiseTilesOptions& options, MakeTrajectory trajectory) {
  const NoiseSource noise{Random(3), sample_range(0, 2)};
  const Tensor condition = torch::arange(2, torch::kDouble).unsqueeze(1);
  return noise_tiles(trajectory(draw, noise.initial({2, 4, 6}, torch::kDouble), condition, noise), options);
}
NoiseTiles tiles_of(const Denoiser& draw, const NoiseTilesOptions& options) {
  return tiles_of(draw, options, one_step);
}

// x = z + z moved one tile to the right / 2 (at the border back to the left): a redrawn pixel changes by
// sqrt(2) in the mean square, 8 numbers a tile, a quarter of it in the next tile.
TEST(NoiseTiles, LinearDrawHasItsMatrix) {
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor&) { return x + at::roll(x, {2}, {3}) / 2; };
  const NoiseTiles tiles = tiles_of(draw, {.tile_px = 2, .redraws = 4000});
  ASSERT_EQ(tiles.effect.sizes(), (std::vector<int64_t>{2, 6, 6}));
  // The mean over z' of |z - z'|^2 is |z|^2 + 1 a number: known for each of the two pictures.
  const NoiseSource noise{Random(3), sample_range(0, 2)};
  const Tensor z = noise.initial({2, 4, 6}, torch::kDouble);
  const Tensor own = (z.square() + 1).sum(1).view({2, 2, 2, 3, 2}).sum({2, 4}).flatten(1);
  const Tensor next = torch::tensor({1, 2, 0, 4, 5, 3});
  Tensor expected = torch::diag_embed(own);
  for (int64_t i = 0; i < 6; ++i) expected.select(1, i).select(1, next[i].item<int64_t>()) += own.select(1, i) / 4;
  // Standard error of 4000 redraws of 8 numbers: about 1.5 % of the effect.
  EXPECT_LT(((tiles.effect - expected).abs() / own.unsqueeze(2)).max().item<double>(), 0.06);
  EXPECT_NEAR(tiles.locality().mean().item<double>(), 0.8, 1e-9);
  EXPECT_EQ(tiles.importance().sizes(), (std::vector<int64_t>{2, 2, 3}));
}

// Where a picture is 2 x_T + sqrt(3) / 2 z + condition, a tile of x_T changes itself alone, four times as much as
// where it is x_T.
TEST(NoiseTiles, StepNoiseAndConditionStay) {
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor& condition) {
    return x + per_sample(condition.select(1, 0));
  };
  const NoiseTilesOptions options{.tile_px = 2, .redraws = 1};
  const Tensor effect = tiles_of(draw, options, two_steps).effect, own = effect.diagonal(0, 1, 2);
  EXPECT_EQ((effect - torch::diag_embed(own)).abs().max().item<double>(), 0);
  EXPECT_TRUE(torch::allclose(own, 4 * tiles_of(draw, options).effect.diagonal(0, 1, 2)));
}

TEST(NoiseTiles, CoverIsAShare) {
  Tensor mask = torch::zeros({1, 4, 4}, torch::kBool);
  mask[0][0][0] = true;
  mask[0].slice(0, 2).slice(1, 2).fill_(true);
  const Tensor expected = torch::tensor({0.25, 0.0, 0.0, 1.0}, torch::kDouble).view({1, 2, 2});
  EXPECT_TRUE(torch::equal(tile_cover(mask, 2), expected));
}

TEST(NoiseTiles, CostCountsEveryRedraw) {
  EXPECT_EQ((NoiseTilesOptions{.tile_px = 4, .redraws = 8}.cost(2, 32, 32, 10)), 2 * (1 + 8 * 64) * 10);
}

TEST(NoiseTiles, RefusesTilesThatDoNotDivideThePicture) {
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor&) { return x; };
  EXPECT_THROW(tiles_of(draw, {.tile_px = 4}), ValueError);
  EXPECT_THROW(tiles_of(draw, {.tile_px = 2, .redraws = 0}), ValueError);
}

TEST(NoiseTiles, AreAQuarterOfThePictureUnlessTheirSideIsGiven) {
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor&) { return x; };
  EXPECT_TRUE(torch::equal(tiles_of(draw, {}).effect, tiles_of(draw, {.tile_px = 1}).effect));
}

}  // namespace
}  // namespace noisescope
