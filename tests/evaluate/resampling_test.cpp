#include "noisescope/evaluate/resampling.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

Statistic mean_of(const Tensor& values) {
  return [=](const Tensor& rows) { return values.index_select(0, rows).mean().item<double>(); };
}

// The bootstrap of a mean is normal in the limit: the interval of mean_estimate.
TEST(Bootstrap, OfAMeanAgreesWithItsFormula) {
  const Tensor values =
      Random(1).normal(Purpose::evaluation, 0, sample_range(0, 200), {}, torch::kFloat64) * 2 + 5;
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

// Of the 2^5 equally likely flips of 1, 2, 3, 4, 5 the mean is reached by the one without any.
TEST(SignFlip, EnumeratedByHand) {
  const Tensor up = torch::tensor({1.0, 2.0, 3.0, 4.0, 5.0}, torch::kFloat64);
  EXPECT_NEAR(sign_flip_p(up, Random(1), 20000), 1.0 / 32, 0.004);
  EXPECT_NEAR(sign_flip_p(-up, Random(1), 20000), 1, 1e-12);
  // 1, 1, -1: sums 3, 1, 1, 1, -1, -1, -1, -3; four reach 1.
  const Tensor mixed = torch::tensor({1.0, 1.0, -1.0}, torch::kFloat64);
  EXPECT_NEAR(sign_flip_p(mixed, Random(1), 20000), 0.5, 0.015);
}

TEST(SignFlip, IsUniformUnderTheNull) {
  std::vector<double> p;
  for (int64_t i = 0; i < 200; ++i) {
    const Tensor noise =
        Random(3).normal(Purpose::evaluation, 5, {i}, {20}, torch::kFloat64)[0];
    p.push_back(sign_flip_p(noise, Random(4), 999));
  }
  EXPECT_GT(uniformity_p(torch::tensor(p, torch::kFloat64)), 0.01);
}

TEST(SignFlip, RefusesNoDraws) {
  EXPECT_THROW(sign_flip_p(torch::ones({3}), Random(1), 0), ValueError);
}

}  // namespace
}  // namespace noisescope
