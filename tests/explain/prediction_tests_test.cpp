#include "noisescope/explain/prediction_tests.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "tests/stats/uniformity.h"

namespace noisescope {
namespace {

int64_t place(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) - names.begin();
}

// A chessboard of +-1 in two equal channels: every statistic is known.
TEST(NoiseStatistics, OfAChessboard) {
  const Tensor i = torch::arange(8, torch::kDouble);
  const Tensor board = 1 - 2 * (i.unsqueeze(0) + i.unsqueeze(1)).remainder(2);
  const NoiseStatistics s = noise_statistics(2 * board.expand({1, 2, 8, 8}) + 0.5);
  const std::vector<std::pair<std::string, double>> expected = {{"mean", 0.5},        {"log_variance", std::log(4.0)},
                                                                {"skewness", 0},      {"kurtosis", 1},
                                                                {"horizontal", -1},   {"vertical", -1},
                                                                {"channels", 1},      {"low_frequency", 0},
                                                                {"high_frequency", 1}};
  ASSERT_EQ(s.names.size(), expected.size());
  for (const auto& [name, value] : expected) {
    EXPECT_NEAR(s.values[0][place(s.names, name)].item<double>(), value, 1e-12) << name;
  }
}

TEST(CompareStatistics, PValuesAreUniformUnderTheNull) {
  std::vector<double> alone, smallest;
  for (uint64_t i = 0; i < 300; ++i) {
    const Tensor s = Random(i).normal(Purpose::explain, 9, {0, 1, 2}, {8, 4, 2}, torch::kDouble);
    const PredictionTests tests = compare_statistics(s, {"a", "b"}, 199, Random(i));
    alone.push_back(tests.p[1][0].item<double>());
    smallest.push_back(tests.corrected.min().item<double>());
    EXPECT_TRUE((tests.corrected >= tests.p).all().item<bool>());
  }
  EXPECT_GT(uniformity(torch::tensor(alone, torch::kDouble)), 0.01);
  EXPECT_GT(uniformity(torch::tensor(smallest, torch::kDouble)), 0.01);
}

/// Pictures [20, 1, 4, 4]: half of the pixels y, the other half -y, plus a residual.
struct PatternCase {
  GaussianData data{torch::zeros({16}, torch::kDouble), torch::full({16}, 0.3, torch::kDouble),
                    torch::tensor({1.0, -1.0}, torch::kDouble).repeat({8}).view({16, 1})};
  Tensor y = torch::arange(20, torch::kDouble).remainder(2).mul(2).sub(1).unsqueeze(1);  // -1, 1
  Tensor condition = torch::cat({y, torch::ones_like(y)}, 1);
  std::vector<SamplerStep> steps;

  PatternCase() {
    const Tensor clean = data.sample(Random(1), Purpose::scene, sample_range(0, 20), y);
    for (int64_t i = 0; i < 2; ++i) {
      const double sigma = i == 0 ? 2.0 : 0.7;
      const Tensor eps =
          Random(2).normal(Purpose::explain, uint64_t(i), sample_range(0, 20), {1, 4, 4}, torch::kDouble);
      steps.push_back({i, 2, sigma, 0, clean.view({20, 1, 4, 4}) + sigma * eps, {}});
    }
  }
};

// Under another prompt the pattern of the difference stays in eps-hat: more variance.
TEST(PredictionTests, TheOwnPromptLeavesLessVariance) {
  const PatternCase c;
  const PredictionTests tests = test_predictions({c.data.denoiser(), c.condition}, c.steps, {.group = 4}, Random(3));
  const int64_t variance = place(tests.names, "log_variance");
  EXPECT_LT(tests.z[0][variance].item<double>(), -3);
  EXPECT_LT(tests.corrected.select(1, variance).max().item<double>(), 0.01);
}

TEST(PredictionTests, ADenoiserThatIgnoresThePromptShowsNothing) {
  const PatternCase c;
  const Denoiser ignores = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return c.data.denoiser()(x, sigma, torch::zeros_like(condition));
  };
  const PredictionTests tests = test_predictions({ignores, c.condition}, c.steps, {}, Random(3));
  EXPECT_EQ(tests.z.abs().max().item<double>(), 0);
  EXPECT_EQ(tests.corrected.min().item<double>(), 1);
}

TEST(PredictionTests, RefuseBadInput) {
  PatternCase c;
  const auto ask = [&](int64_t group) {
    return test_predictions({c.data.denoiser(), c.condition}, c.steps, {.group = group}, Random(3));
  };
  EXPECT_THROW(ask(1), ValueError);
  EXPECT_THROW(ask(21), ValueError);
  EXPECT_NO_THROW(ask(20));
  c.steps[1].x = Tensor();
  EXPECT_THROW(ask(3), ValueError);
  c.steps.clear();
  EXPECT_THROW(ask(3), ValueError);
  EXPECT_THROW(noise_statistics(torch::zeros({1, 3, 8, 8})), NumericError);
  EXPECT_THROW(noise_statistics(torch::zeros({1, 3, 2, 8})), ValueError);
}

}  // namespace
}  // namespace noisescope
