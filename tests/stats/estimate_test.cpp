#include "noisescope/stats/estimate.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

Tensor signs(int64_t above, int64_t below) {
  return torch::cat({torch::ones({above}, torch::kDouble), -torch::ones({below}, torch::kDouble)});
}

// Binomial tails by hand: 2 P(X <= 1 of 10) = 2 (1 + 10) / 2^10; all on one side: 2 / 2^n.
TEST(SignTest, ExactBinomialTails) {
  EXPECT_NEAR(sign_test_p(signs(9, 1)), 22.0 / 1024, 1e-12);
  EXPECT_NEAR(sign_test_p(signs(1, 9)), 22.0 / 1024, 1e-12);
  EXPECT_NEAR(sign_test_p(signs(0, 40)), std::ldexp(1.0, -39), 1e-18);
  EXPECT_DOUBLE_EQ(sign_test_p(signs(5, 5)), 1.0);
  const Tensor tied = torch::cat({signs(9, 1), torch::zeros({7}, torch::kDouble)});
  EXPECT_NEAR(sign_test_p(tied), 22.0 / 1024, 1e-12);
}

TEST(SignTest, RefusesWhatHasNoSign) {
  EXPECT_THROW(sign_test_p(torch::zeros({3})), ValueError);
  EXPECT_THROW(sign_test_p(torch::tensor({1.0, std::nan("")})), ValueError);
  EXPECT_THROW(sign_test_p(torch::ones({2, 2})), ShapeError);
}

// n observations whose standard error is 1: half the interval is the quantile of n - 1 degrees of freedom (scipy's).
TEST(MeanEstimate, IntervalIsStudents) {
  const std::pair<int64_t, double> table[] = {
      {1, 12.706204736174694},  {2, 4.302652729749462},    {3, 3.1824463052837078},   {7, 2.364624251592784},
      {10, 2.228138851986274},  {30, 2.0422724563012378},  {100, 1.9839715185235518}, {400, 1.9659123432294627},
      {401, 1.965897465336516}, {1000, 1.9623390808264083}};
  for (const auto& [degrees, quantile] : table) {
    Tensor x = torch::linspace(-1, 1, degrees + 1, torch::kDouble);
    x = 5 + x / x.std() * std::sqrt(static_cast<double>(degrees + 1));
    const Estimate mean = mean_estimate(x);
    EXPECT_NEAR(mean.value, 5, 1e-12);
    EXPECT_NEAR(mean.high - 5, quantile, 1e-7) << degrees;
    EXPECT_NEAR(5 - mean.low, quantile, 1e-7) << degrees;
  }
}

// Of 20,000 samples of 4 normal numbers the interval holds the mean 95 times in a hundred; 1.96 standard errors held
// it 85 times.
TEST(MeanEstimate, HoldsTheMeanOfFewObservationsAsOftenAsItSays) {
  const Tensor x = Random(1).normal(Purpose::explain, 0, sample_range(0, 20000), {4}, torch::kDouble);
  int held = 0;
  for (int64_t i = 0; i < x.size(0); ++i) {
    const Estimate mean = mean_estimate(x[i]);
    held += mean.low <= 0 && 0 <= mean.high;
  }
  EXPECT_NEAR(held / 20000.0, 0.95, 0.006);
}

// Wilson 1927: the ends of the interval solve |p - pi| = z sqrt(pi (1 - pi) / n). 8 of 20 by scipy.
TEST(Wilson, EndsSolveItsEquation) {
  const Estimate share = wilson(8, 20);
  EXPECT_NEAR(share.low, 0.21880653237281705, 1e-6);
  EXPECT_NEAR(share.high, 0.6134184992377467, 1e-6);
  for (const double end : {share.low, share.high}) {
    EXPECT_NEAR(std::abs(0.4 - end), 1.959964 * std::sqrt(end * (1 - end) / 20), 1e-6);
  }
  EXPECT_EQ(wilson(0, 20).low, 0);
  EXPECT_EQ(wilson(20, 20).high, 1);
  EXPECT_THROW(wilson(3, 2), ValueError);
}

// Kolmogorov's statistic by hand: the largest gap lies above the steps of the first set, below those of its mirror
// image; p-values by scipy's kstwobign.
TEST(Uniformity, IsKolmogorovsTestOnBothSides) {
  const Tensor p = torch::tensor({0.5, 0.3, 0.95, 0.7, 0.99}, torch::kDouble);
  EXPECT_NEAR(uniformity_p(p), 0.5726548070242141, 1e-9);
  EXPECT_NEAR(uniformity_p(1 - p), 0.5726548070242141, 1e-9);
  EXPECT_NEAR(uniformity_p(torch::tensor({0.1, 0.4, 0.45, 0.8}, torch::kDouble)), 0.8642827790506042, 1e-9);
}

// With 20 of 100 against 10 of 100: ratio 20.5 / 10.5, variance of its logarithm
// 1 / 20.5 + 1 / 10.5 - 2 / 100.5.
TEST(ShareRatio, IntervalIsThatOfTheLogarithm) {
  const Estimate ratio = share_ratio(20, 100, 10, 100);
  const double error = std::sqrt(1 / 20.5 + 1 / 10.5 - 2 / 100.5);
  EXPECT_NEAR(ratio.value, 20.5 / 10.5, 1e-12);
  EXPECT_NEAR(std::log(ratio.high / ratio.value), 1.959964 * error, 1e-6);
  EXPECT_NEAR(std::log(ratio.value / ratio.low), 1.959964 * error, 1e-6);
  EXPECT_EQ(ratio.n, 200);
}

TEST(ShareRatio, IsFiniteWithoutHits) {
  EXPECT_NEAR(share_ratio(3, 10, 0, 10).value, 7, 1e-12);
  EXPECT_NEAR(share_ratio(3, 10, 0, 20).value, 7 * 20.5 / 10.5, 1e-12);
  EXPECT_THROW(share_ratio(3, 2, 0, 10), ValueError);
  EXPECT_THROW(share_ratio(0, 0, 0, 10), ValueError);
}

}  // namespace
}  // namespace noisescope
