#include "noisescope/verify/estimates.h"

#include <gtest/gtest.h>

namespace noisescope {
namespace {

// Means 1.5, 2, 3.5 are in order; each group alone has one exchange: 1 - 6 * 2 / (3 * 8) = 1/2.
TEST(PooledSpearman, RanksTheMeansOfTheGroups) {
  const Tensor a = torch::tensor({1.0, 2.0, 3.0}, torch::kFloat64).expand({2, 3});
  const Tensor b = torch::tensor({1.0, 3.0, 2.0, 2.0, 1.0, 5.0}, torch::kFloat64).view({2, 3});
  const Estimate pooled = pooled_spearman(a, b);
  EXPECT_DOUBLE_EQ(pooled.value, 1.0);
  EXPECT_NEAR(pooled.high - pooled.low, 0, 1e-12);  // the groups agree
  EXPECT_EQ(pooled.n, 2);
}

}  // namespace
}  // namespace noisescope
