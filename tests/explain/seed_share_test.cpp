#include "noisescope/explain/seed_share.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "tests/diffusion/small_trajectory.h"

namespace noisescope {
namespace {

Tensor normal(uint64_t seed, uint64_t step, torch::IntArrayRef shape) {
  return Random(seed).normal(Purpose::explain, step, {0}, shape, torch::kDouble)[0];
}

/// a seed_s + b prompt_p + c interaction_sp, independent standard normals: [S, P, 1].
Tensor random_grid(uint64_t seed, int64_t seeds, int64_t prompts, double a, double b, double c) {
  return a * normal(seed, 0, {seeds, 1, 1}) + b * normal(seed, 1, {1, prompts, 1}) +
         c * normal(seed, 2, {seeds, prompts, 1});
}

// By hand: cells 1 2 3 / 3 4 5 / 8 9 10 add a row and a column effect. MS of rows 3 (4 + 1 + 9 ...) = 39,
// of columns 3, of the interaction 0: components 13 and 1.
TEST(SeedShares, AdditiveGridByHand) {
  const Tensor grid = torch::tensor({1., 2., 3., 3., 4., 5., 8., 9., 10.}, torch::kDouble).view({3, 3, 1});
  const VarianceShares shares = seed_shares(grid);
  EXPECT_NEAR(shares.seed.item<double>(), 13.0 / 14, 1e-12);
  EXPECT_NEAR(shares.prompt.item<double>(), 1.0 / 14, 1e-12);
  EXPECT_NEAR(shares.interaction.item<double>(), 0, 1e-12);
}

// By hand: 1 in one cell of 3 x 3. Row means 1/3, 0, 0: MS of rows = 3 * (2/27) / 2 = 1/9, of columns the
// same, of the interaction (1 - 1/9 - 2/9 - 2/9) / 4 = 1/9: no component but the interaction.
TEST(SeedShares, OneCellAloneIsInteraction) {
  Tensor grid = torch::zeros({3, 3, 1}, torch::kDouble);
  grid[1][2][0] = 1;
  const VarianceShares shares = seed_shares(grid);
  EXPECT_NEAR(shares.interaction.item<double>(), 1, 1e-12);
  EXPECT_NEAR(shares.seed.item<double>(), 0, 1e-12);
  EXPECT_NEAR(shares.prompt.item<double>(), 0, 1e-12);
}

TEST(SeedShares, ErrorsCoverTheTruth) {
  const double xnoise_truth = 0.25 / 1.5, prompt_truth = 1 / 1.5;  // components .25, 1, .25
  double seed_covered = 0, prompt_covered = 0, interaction_covered = 0;
  constexpr int kGrids = 200;
  for (uint64_t g = 0; g < kGrids; ++g) {
    const VarianceShares s = seed_shares(random_grid(g, 30, 30, 0.5, 1, 0.5));
    const auto covers = [](const Tensor& value, const Tensor& error, double truth) {
      return std::abs(value.item<double>() - truth) < 1.96 * error.item<double>() ? 1.0 : 0.0;
    };
    seed_covered += covers(s.seed, s.seed_error, xnoise_truth) / kGrids;
    prompt_covered += covers(s.prompt, s.prompt_error, prompt_truth) / kGrids;
    interaction_covered += covers(s.interaction, s.interaction_error, xnoise_truth) / kGrids;
  }
  EXPECT_GT(seed_covered, 0.88);
  EXPECT_GT(prompt_covered, 0.88);
  EXPECT_GT(interaction_covered, 0.88);
}

TEST(SeedShares, WithoutVariationThereAreNone) {
  EXPECT_TRUE(seed_shares(torch::ones({4, 5, 2})).seed.isnan().all().item<bool>());
}

TEST(SeedShares, RefusesSmallGrids) {
  EXPECT_THROW(seed_shares(torch::zeros({2, 9, 1})), ValueError);
  EXPECT_THROW(seed_shares(torch::zeros({9, 2, 1})), ValueError);
  EXPECT_THROW(seed_shares(torch::zeros({9, 9})), ShapeError);
}

TEST(AttributeGrid, EverySeedMeetsEveryPromptUnderTheSameNoise) {
  const NoiseSource noise{Random(4), {7, 2, 9}};
  const Tensor initial = noise.initial({1, 2, 2}, torch::kDouble);
  const Tensor conditions = torch::tensor({10., 20.}, torch::kDouble).unsqueeze(1);
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor& condition) {
    return x + per_sample(condition.squeeze(1));
  };
  const ScorePictures pixels = [](const Tensor& x) { return x.flatten(1); };
  const Tensor grid =
      attribute_grid(two_steps(draw, initial, torch::zeros({3, 1}, torch::kDouble), noise), pixels, conditions);
  ASSERT_EQ(grid.sizes(), (std::vector<int64_t>{3, 2, 4}));
  EXPECT_TRUE(torch::allclose(grid.select(1, 1) - grid.select(1, 0), torch::full({3, 4}, 10., torch::kDouble)));
  EXPECT_TRUE(torch::allclose(grid.select(1, 0) - 10,
                              (2 * initial + std::sqrt(0.75) * noise.step(0, {1, 2, 2}, torch::kDouble)).flatten(1)));
}

}  // namespace
}  // namespace noisescope
