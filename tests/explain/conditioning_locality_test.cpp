#include "noisescope/explain/conditioning_locality.h"

#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "tests/stats/uniformity.h"

namespace noisescope {
namespace {

constexpr double kVariance = 0.5;

/// Pictures [B, 2, 2, 4] whose left half moves with y, a number: x_0 = map y + residual.
struct HalfCase {
  Tensor map = torch::tensor({1.0, 1.0, 0.0, 0.0}, torch::kDouble).repeat({4}).view({16, 1});
  GaussianData data{torch::zeros({16}, torch::kDouble), torch::full({16}, kVariance, torch::kDouble), map};
  int64_t count = 2;
  Tensor pictures =
      data.sample(Random(1), Purpose::scene, sample_range(0, count), torch::ones({count, 1}, torch::kDouble))
          .view({count, 2, 2, 4});
  PathNoise noise{Random(2), sample_range(0, count)};
  LocalityOptions options{.log_snrs = {-2, 1}, .draws = 12, .permutations = 499};

  /// Versions y = 1 (own), 0, -1.
  Contrast contrast() const {
    const Tensor y = torch::tensor({1.0, 0.0, -1.0}, torch::kDouble).view({3, 1, 1});
    return {torch::cat({y, torch::ones_like(y)}, 2).expand({3, count, 2}).contiguous(),
            torch::zeros({count}, torch::kInt64)};
  }
  ConditioningLocality ask(const Denoiser& denoiser) const {
    return conditioning_locality(denoiser, {pictures, noise}, contrast(), options);
  }
};

// For a Gaussian, D_own - D_k = sigma^2 / (s + sigma^2) map (y_own - y_k) whatever x.
TEST(ConditioningLocality, ChangeOfAGaussianIsExact) {
  const HalfCase c;
  const ConditioningLocality map = c.ask(c.data.denoiser());
  for (int64_t level = 0; level < 2; ++level) {
    const double variance = std::pow(sigma_of_log_snr(map.log_snrs[size_t(level)]), 2);
    const double moved = variance / (kVariance + variance);
    const Tensor left = map.change[level].narrow(2, 0, 2), right = map.change[level].narrow(2, 2, 2);
    EXPECT_LT((left - moved).abs().max().item<double>(), 1e-9);  // y_own - mean y = 1
    EXPECT_LT(right.abs().max().item<double>(), 1e-9);
    // Two channels; (1 - 0)^2 and (1 + 1)^2 in the mean.
    EXPECT_LT((map.squared_change[level].narrow(2, 0, 2) - 2 * 2.5 * moved * moved).abs().max().item<double>(), 1e-9);
  }
}

TEST(ConditioningLocality, DependentPixelsAreThoseThatTheWordMoves) {
  const HalfCase c;
  const ConditioningLocality map = c.ask(c.data.denoiser());
  EXPECT_TRUE(map.dependent.narrow(3, 0, 2).all().item<bool>());
  EXPECT_FALSE(map.dependent.narrow(3, 2, 2).any().item<bool>());
  EXPECT_NEAR(map.p.narrow(3, 0, 2).max().item<double>(), 1.0 / 500, 1e-12);
}

/// A word that means nothing: every version gets noise of its own.
Denoiser jittered() {
  const auto call = std::make_shared<int64_t>(0);
  return [call](const Tensor& x, const Tensor&, const Tensor&) {
    const int64_t first = *call;
    *call += x.size(0);
    return Random(77).normal(Purpose::explain, 0, sample_range(first, x.size(0)), x.sizes().slice(1), torch::kDouble);
  };
}

TEST(ConditioningLocality, PIsUniformForAWordThatMeansNothing) {
  HalfCase c;
  c.count = 60;
  c.pictures = torch::zeros({60, 2, 2, 4}, torch::kDouble);
  c.noise.sample_ids = sample_range(0, 60);
  c.options = {.log_snrs = {0}, .draws = 8, .permutations = 399, .smallest_change = 0};
  const ConditioningLocality map = c.ask(jittered());
  EXPECT_GT(uniformity(map.p.flatten()), 0.01);
  // Expected at most 5 % of the pictures; 60 of them: 2.6 SE.
  EXPECT_LT(map.dependent.flatten(2).any(2).to(torch::kDouble).mean().item<double>(), 0.12);
}

TEST(ConditioningLocality, PicturesDoNotDependOnTheirBatch) {
  HalfCase c;
  const ConditioningLocality both = c.ask(jittered());
  c.options.pass_size = 5;
  EXPECT_TRUE(torch::equal(both.p, c.ask(jittered()).p));
  const Denoiser denoiser = [](const Tensor& x, const Tensor&, const Tensor& condition) {
    return x * per_sample(condition.select(1, 0));
  };
  const Contrast all = c.contrast();
  const ConditioningLocality second =
      conditioning_locality(denoiser, {c.pictures.narrow(0, 1, 1), {Random(2), {1}}},
                            {all.conditions.narrow(1, 1, 1), all.true_version.narrow(0, 1, 1)}, c.options);
  const ConditioningLocality whole = c.ask(denoiser);
  EXPECT_LT((second.change - whole.change.narrow(1, 1, 1)).abs().max().item<double>(), 1e-12);
}

TEST(ConditioningLocality, RefusesBadInput) {
  HalfCase c;
  const Denoiser denoiser = c.data.denoiser();
  c.options.draws = 1;
  EXPECT_THROW(c.ask(denoiser), ValueError);
  c.options = {.log_snrs = {}};
  EXPECT_THROW(c.ask(denoiser), ValueError);
  c.options = {};
  c.noise.sample_ids = {0};
  EXPECT_THROW(c.ask(denoiser), ShapeError);
  c.noise.sample_ids = {0, 1};
  EXPECT_THROW(c.ask([](const Tensor& x, const Tensor&, const Tensor&) { return x * std::nan(""); }), NumericError);
}

}  // namespace
}  // namespace noisescope
