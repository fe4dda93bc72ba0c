#include "noisescope/stats/bootstrap.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

Statistic mean_of(const Tensor& values) {
  return [=](const Tensor& rows) { return values.index_select(0, rows).mean().item<double>(); };
}

// The bootstrap of a mean is normal in the limit: the interval of mean_estimate.
TEST(Bootstrap, OfAMeanAgreesWithItsFormula) {
  const Tensor values = Random(1).normal(Purpose::evaluation, 0, sample_range(0, 200), {}, torch::kFloat64) * 2 + 5;
  const Estimate formula = mean_estimate(values);
  const Estimate drawn = bootstrap(mean_of(values), 200, Random(2), 4000);
  EXPECT_DOUBLE_EQ(drawn.value, formula.value);
  EXPECT_EQ(drawn.n, 200);
  EXPECT_NEAR(drawn.low, formula.low, 0.1 * (formula.high - formula.low));
  EXPECT_NEAR(drawn.high, formula.high, 0.1 * (formula.high - formula.low));
}

TEST(Bootstrap, RefusesTooFew) {
  EXPECT_THROW(bootstrap(mean_of(torch::ones({1})), 1, Random(1)), ValueError);
  EXPECT_THROW(bootstrap(mean_of(torch::ones({5})), 5, Random(1), 39), ValueError);
}

}  // namespace
}  // namespace noisescope
