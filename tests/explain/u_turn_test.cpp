#include "noisescope/explain/u_turn.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

struct BlobUTurn {
  GaussianMixture data{torch::eye(3, 8) * 2.0, torch::full({3, 8}, 0.05)};
  int64_t count = 3000;
  std::vector<int64_t> ids = sample_range(0, count);
  Tensor own = torch::arange(count) % 3;
  Tensor pictures = data.sample(Random(1), Purpose::scene, ids, own).view({count, 2, 2, 2});
  Tensor prior = torch::ones({count, 3}, torch::kDouble);
  Tensor clean = torch::full({count}, 1e-3, torch::kDouble);

  UTurns turn(const UTurnOptions& options) const {
    const KeepsFactors keeps = [&](const Tensor& x) {
      return (data.posterior(x, clean, prior).argmax(1) == own).to(torch::kDouble).unsqueeze(1);
    };
    return u_turns({data.denoiser(), prior}, {pictures, {Random(2), ids}}, keeps, options);
  }
};

// Sclocchi et al. 2024: without prompt and with a stochastic sampler the share that keeps its component
// is E p(own | x_alpha).
TEST(UTurns, RetentionIsTheExpectedPosterior) {
  const BlobUTurn c;
  UTurnOptions options;
  options.log_snrs = {-6, -3, -2, -1, 0, 2};
  options.steps = 60;
  const UTurns turns = c.turn(options);
  for (size_t i = 0; i < options.log_snrs.size(); ++i) {
    const double sigma = sigma_of_log_snr(options.log_snrs[i]);
    const Tensor x = c.pictures + sigma * Random(9).normal(Purpose::explain, i, c.ids, {2, 2, 2}, torch::kDouble);
    const Tensor p =
        c.data.posterior(x, torch::full({c.count}, sigma, torch::kDouble), c.prior).gather(1, c.own.unsqueeze(1));
    const double kept = turns.retention()[static_cast<int64_t>(i)][0].item<double>();
    // Binomial standard error of 3000 pictures <= 0.009; the rest is the sampler's step.
    EXPECT_NEAR(kept, p.mean().item<double>(), 0.035) << options.log_snrs[i];
  }
}

TEST(UTurns, StartFromTheirTurningPoints) {
  const Tensor pictures = torch::linspace(-1, 1, 24, torch::kDouble).view({2, 3, 2, 2});
  const UTurnOptions options{.log_snrs = {-3, 0}, .steps = 2};
  std::vector<Tensor> seen;
  const Denoiser recording = [&](const Tensor& x, const Tensor&, const Tensor&) {
    seen.push_back(x);
    return pictures;
  };
  const auto keeps = [](const Tensor& x) { return torch::ones({x.size(0), 1}, torch::kDouble); };
  u_turns({recording, torch::zeros({2, 1})}, {pictures, {Random(2), {5, 6}}}, keeps, options);
  ASSERT_EQ(seen.size(), 4U);
  for (size_t level = 0; level < 2; ++level) {
    const Tensor expected = turning_point({pictures, {Random(2), {5, 6}}}, options.log_snrs, level);
    EXPECT_TRUE(seen[2 * level].equal(expected)) << level;
  }
}

TEST(UTurns, ChangeGrowsWithTheNoise) {
  const BlobUTurn c;
  const Tensor change = c.turn({.log_snrs = {-4, -2, 0, 2}, .steps = 10}).susceptibility.mean({1, 2, 3});
  EXPECT_TRUE((change.diff() < 0).all().item<bool>()) << change;
}

TEST(UTurns, HalfPointIsInterpolated) {
  UTurns turns;
  turns.log_snrs = {-2, 0, 2};
  turns.kept = torch::tensor({0.2, 0.4, 0.8}, torch::kDouble).view({3, 1, 1});
  EXPECT_NEAR(turns.half_point(0, 0.0), 0.5, 1e-12);
  EXPECT_NEAR(turns.half_point(0, 0.2), 1.0, 1e-12);
  EXPECT_TRUE(std::isnan(turns.half_point(0, 0.9)));
}

// Pools by hand: (0.7, 0.1) to 0.4, with 0.3 before and 0.8 behind.
TEST(UTurns, HalfPointIsThatOfTheMonotoneFit) {
  UTurns turns;
  turns.log_snrs = {-2, 0, 2, 4};
  turns.kept = torch::tensor({0.3, 0.7, 0.1, 0.8}, torch::kDouble).view({4, 1, 1});
  EXPECT_NEAR(turns.half_point(0, 0.0), 2.5, 1e-12);
}

TEST(UTurns, RefusesTurningPointsBeyondTheEnd) {
  EXPECT_THROW(BlobUTurn().turn({.log_snrs = {5}}), ValueError);
  EXPECT_THROW(BlobUTurn().turn({.log_snrs = {}}), ValueError);
  EXPECT_THROW(BlobUTurn().turn({.steps = 1}), ValueError);
}

}  // namespace
}  // namespace noisescope
