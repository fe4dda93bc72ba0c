#include "noisescope/stats/estimate_of.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/random.h"

namespace noisescope {
namespace {

TEST(Absolute, IntervalIsThatOfTheDistanceFromZero) {
  const auto ends = [](double low, double high) {
    const Estimate e = absolute({(low + high) / 2, low, high, 7});
    return std::pair(e.low, e.high);
  };
  EXPECT_EQ(ends(1, 3), std::pair(1.0, 3.0));
  EXPECT_EQ(ends(-3, -1), std::pair(1.0, 3.0));
  EXPECT_EQ(ends(-1, 3), std::pair(0.0, 3.0));
  EXPECT_EQ(ends(0, 3), std::pair(0.0, 3.0));
  EXPECT_EQ(ends(-3, 0), std::pair(0.0, 3.0));
}

TEST(Bounded, IntervalEndsWhereValuesEnd) {
  const Estimate share = bounded({0.99, 0.9, 1.08, 5}, 0, 1);
  EXPECT_EQ(share.value, 0.99);
  EXPECT_EQ(std::pair(share.low, share.high), std::pair(0.9, 1.0));
  EXPECT_EQ(bounded({0.1, -0.2, 0.4, 5}, 0, 1).low, 0);
}

// Means 1.5, 2, 3.5 are in order; each group alone has one exchange: 1 - 6 * 2 / (3 * 8) = 1/2.
TEST(PooledSpearman, RanksTheMeansOfTheGroups) {
  const Tensor a = torch::tensor({1.0, 2.0, 3.0}, torch::kFloat64).expand({2, 3});
  const Tensor b = torch::tensor({1.0, 3.0, 2.0, 2.0, 1.0, 5.0}, torch::kFloat64).view({2, 3});
  const Estimate pooled = pooled_spearman(a, b);
  EXPECT_DOUBLE_EQ(pooled.value, 1.0);
  EXPECT_NEAR(pooled.high - pooled.low, 0, 1e-12);  // the groups agree
  EXPECT_EQ(pooled.n, 2);
}

// Mean difference 2 of a mean of 20.
TEST(RelativeOff, IsInUnitsOfTheMeanClosedForm) {
  const Tensor closed = torch::tensor({10.0, 30.0, 20.0}, torch::kFloat64);
  const Estimate off = relative_off(closed - torch::tensor({1.0, 2.0, 3.0}, torch::kFloat64), closed);
  EXPECT_NEAR(off.value, 0.1, 1e-12);
  EXPECT_NEAR(off.high, 0.1 + 4.302653 / std::sqrt(3.0) / 20, 1e-6);
  EXPECT_EQ(plus(off, 1).low, off.low + 1);
}

TEST(Reversal, OfAPValueIsOneHalfAtTheBarAndThatOfItsNormalStatisticElsewhere) {
  EXPECT_NEAR(p_value_reversal(0.01, 0.01), 0.5, 1e-12);
  // z = 3.2905 for p = .001 and 2.5758 for .01, two-sided: Phi(-.7147 / sqrt 2)
  EXPECT_NEAR(p_value_reversal(0.001, 0.01), 0.30665, 1e-4);
  EXPECT_EQ(p_value_reversal(0, 0.01), 0);
}

TEST(Reversal, OfANullTestIsItsBarAndOfSeveralTheirFamily) {
  EXPECT_NEAR(null_p_reversal(0.01, 1), 0.01, 1e-15);
  EXPECT_NEAR(null_p_reversal(0.01, 8), 1 - std::pow(0.99, 8), 1e-15);
}

TEST(Reversal, OfTheWorstErrorIsThatOfItsSimulation) {
  const Tensor spread = torch::tensor({0.5, 1.0, 0.1}, torch::kFloat64);
  const Tensor errors = Random(1).normal(Purpose::explain, 0, sample_range(0, 200000), {3}, torch::kFloat64) * spread;
  const double often = (errors.abs().amax(1) > 1.5).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(worst_error_reversal(spread, 1.5), often, 0.003);  // .136, 4 SE
}

}  // namespace
}  // namespace noisescope
