#include "noisescope/explain/metric/agreement.h"

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

TEST(RankCorrelation, SeesOrderAlone) {
  const Tensor a = Random(1).normal(Purpose::explain, 0, {0, 1}, {6, 5}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(rank_correlation(a, a.exp()), torch::ones({2}, torch::kFloat64)));
  EXPECT_TRUE(torch::allclose(rank_correlation(a, -a.pow(3)), -torch::ones({2}, torch::kFloat64)));
  EXPECT_TRUE(rank_correlation(a, torch::ones_like(a)).isnan().all().item<bool>());
  Tensor broken = a.clone();
  broken[1][2][3] = std::nan("");
  EXPECT_TRUE(rank_correlation(broken, a).isnan().equal(torch::tensor({false, true})));
  EXPECT_THROW(rank_correlation(a, a.select(1, 0)), ShapeError);
}

}  // namespace
}  // namespace noisescope
