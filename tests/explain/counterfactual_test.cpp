#include "noisescope/explain/counterfactual.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "tests/diffusion/small_trajectory.h"

namespace noisescope {
namespace {

/// Two pictures 2 x 2 of 3 channels; in the first, one pixel changes by 1 in all channels, one by .1 in one.
Counterfactual small_case(const CounterfactualOptions& options = {}) {
  const Tensor pictures = torch::zeros({2, 3, 2, 2}, torch::kDouble);
  Tensor altered = pictures.clone();
  altered.select(2, 0).select(2, 0)[0].fill_(1);
  altered[0][1][1][1] = 0.1;
  return compare_pictures(pictures, altered, options);
}

TEST(Counterfactual, ChangeIsSummedOverChannels) {
  const Counterfactual c = small_case();
  EXPECT_TRUE(torch::allclose(c.change[0], torch::tensor({{3.0, 0.0}, {0.0, 0.01}}, torch::kDouble)));
  EXPECT_EQ(c.changed.sum().item<int64_t>(), 1);
  EXPECT_EQ(small_case({.changed = 0.001}).changed.sum().item<int64_t>(), 2);
}

TEST(Counterfactual, ShareOfARegionIsOfTheWholeChange) {
  const Tensor bottom = torch::tensor({{0, 0}, {1, 1}}, torch::kBool);
  const Tensor share = small_case().share_in(bottom);
  EXPECT_NEAR(share[0].item<double>(), 0.01 / 3.01, 1e-12);
  EXPECT_TRUE(std::isnan(share[1].item<double>()));
}

TEST(Counterfactual, FactorTableComparesReadings) {
  const ReadFactors read = [](const Tensor& x) {
    return torch::stack({x.flatten(1).amax(1).gt(0.5), x.flatten(1).amin(1).lt(-1)}, 1).to(torch::kInt64);
  };
  const Tensor expected = torch::tensor({{1, 0}, {0, 0}}, torch::kBool);
  EXPECT_TRUE(torch::equal(small_case().factors_changed(read), expected));
}

TEST(Counterfactual, BothAreDrawnFromTheSameNoise) {
  const NoiseSource noise{Random(1), {5, 6}};
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor& condition) {
    return x + per_sample(condition.select(1, 0));
  };
  const Trajectory trajectory =
      two_steps(draw, noise.initial({1, 2, 2}, torch::kDouble), torch::zeros({2, 1}, torch::kDouble), noise);
  const Counterfactual c = counterfactual(trajectory, torch::tensor({{0.0}, {2.0}}, torch::kDouble));
  EXPECT_EQ(c.change[0].max().item<double>(), 0);
  EXPECT_TRUE(torch::allclose(c.change[1], torch::full({2, 2}, 4.0, torch::kDouble)));
}

TEST(Counterfactual, RefusesWhatDoesNotFit) {
  EXPECT_THROW(compare_pictures(torch::zeros({2, 3, 2, 2}), torch::zeros({2, 3, 2, 3})), ShapeError);
  EXPECT_THROW(small_case({.changed = -1}), ValueError);
}

}  // namespace
}  // namespace noisescope
