#include "noisescope/explain/noise_tiles.h"

#include <ATen/ops/roll.h>
#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

NoiseTiles tiles_of(const DrawPictures& draw, const NoiseTilesOptions& options, int64_t count = 2) {
  const NoiseSource noise{Random(3), sample_range(0, count)};
  return noise_tiles(draw, noise.initial({2, 4, 6}, torch::kDouble), torch::zeros({count, 1}), noise, options);
}

// x = z + z moved one tile to the right / 2 (at the border back to the left): a redrawn pixel changes by
// sqrt(2) in the mean square, 8 numbers a tile, a quarter of it in the next tile.
TEST(NoiseTiles, LinearDrawHasItsMatrix) {
  const DrawPictures draw = [](const Tensor& x, const Tensor&, const NoiseSource&) {
    return x + at::roll(x, {2}, {3}) / 2;
  };
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

TEST(NoiseTiles, StepNoiseAndConditionStay) {
  const DrawPictures draw = [](const Tensor& x, const Tensor& condition, const NoiseSource& noise) {
    return noise.step(0, x.sizes().slice(1), torch::kDouble) + per_sample(condition.select(1, 0)) + 0 * x;
  };
  EXPECT_EQ(tiles_of(draw, {.tile_px = 2, .redraws = 1}).effect.max().item<double>(), 0);
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
  const DrawPictures draw = [](const Tensor& x, const Tensor&, const NoiseSource&) { return x; };
  EXPECT_THROW(tiles_of(draw, {.tile_px = 4}), ValueError);
  EXPECT_THROW(tiles_of(draw, {.tile_px = 0}), ValueError);
  EXPECT_THROW(tiles_of(draw, {.tile_px = 2, .redraws = 0}), ValueError);
}

}  // namespace
}  // namespace noisescope
