#include "noisescope/stats/ranks.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

// Without ties Spearman's rho is 1 - 6 sum d^2 / (n (n^2 - 1)).
TEST(RankCorrelation, FormulaWithoutTies) {
  const Tensor a = torch::tensor({{10.0, 20.0, 30.0, 40.0, 50.0}}, torch::kFloat64);
  const Tensor b = torch::tensor({{1.0, 3.0, 2.0, 5.0, 4.0}}, torch::kFloat64);
  EXPECT_NEAR(rank_correlation(a, b).item<double>(), 1 - 6.0 * 4 / (5 * 24), 1e-12);
}

// Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: Pearson's r of them is 4.5 / sqrt(4.5 * 5).
TEST(RankCorrelation, TiesShareTheMeanOfTheirRanks) {
  const Tensor a = torch::tensor({{7.0, 7.0, 8.0, 9.0}}, torch::kFloat64);
  const Tensor b = torch::tensor({{0.1, 0.2, 0.3, 0.4}}, torch::kFloat64);
  EXPECT_NEAR(rank_correlation(a, b).item<double>(), std::sqrt(4.5 / 5), 1e-12);
}

TEST(RankCorrelation, SeesOrderAloneAndEachRowAlone) {
  const Tensor a = Random(1).normal(Purpose::explain, 0, {0, 1}, {30}, torch::kFloat64);
  const Tensor b = torch::stack({a[0].exp(), -a[1].pow(3)});
  EXPECT_TRUE(torch::allclose(rank_correlation(a, b), torch::tensor({1.0, -1.0}, torch::kFloat64)));
}

TEST(RankCorrelation, IsNaNWhereARowOrdersNothing) {
  const double nan = std::nan("");
  const Tensor a = torch::tensor({{1.0, 1.0, 1.0}, {1.0, nan, 2.0}, {1.0, 2.0, 3.0}}, torch::kFloat64);
  const Tensor b = torch::tensor({{1.0, 2.0, 3.0}}, torch::kFloat64).expand({3, 3});
  EXPECT_TRUE(rank_correlation(a, b).isnan().equal(torch::tensor({true, true, false})));
}

TEST(RankCorrelation, RefusesRowsThatDoNotPair) {
  EXPECT_THROW(rank_correlation(torch::ones({2, 3}), torch::ones({2, 4})), ShapeError);
  EXPECT_THROW(rank_correlation(torch::ones({3}), torch::ones({3})), ShapeError);
  EXPECT_THROW(rank_correlation(torch::ones({2, 1}), torch::ones({2, 1})), ValueError);
}

}  // namespace
}  // namespace noisescope
