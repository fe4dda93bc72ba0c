#include "noisescope/stats/multiple_testing.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

void expect_equal(const Tensor& a, const Tensor& b) { EXPECT_LT((a - b).abs().max().item<double>(), 1e-12) << a << b; }

// Holm 1979: the smallest times T, the next times T - 1, ..., never falling.
TEST(Holm, StepsDown) {
  expect_equal(holm(torch::tensor({0.04, 0.01, 0.03, 0.5}, torch::kDouble)),
               torch::tensor({0.09, 0.04, 0.09, 0.5}, torch::kDouble));
}

// The example of Benjamini & Hochberg 1995, section 4: 15 p-values, of which their procedure rejects
// four at 5 % (Bonferroni's three).
TEST(BenjaminiHochberg, AgreesWithTheExampleOfThePaper) {
  const Tensor p = torch::tensor({0.0459, 0.0001, 0.3240, 0.0004, 0.0019, 0.4262, 0.0095, 0.5719, 0.0201, 0.6528,
                                  0.0278, 0.7590, 0.0298, 1.0000, 0.0344},
                                 torch::kDouble);
  const Tensor adjusted = benjamini_hochberg(p);
  EXPECT_TRUE(torch::equal(adjusted <= 0.05, p <= 0.0095));
  EXPECT_NEAR(adjusted[6].item<double>(), 0.0095 * 15 / 4, 1e-12);
  EXPECT_NEAR(adjusted[8].item<double>(), 0.0201 * 15 / 5, 1e-12);   // its own
  EXPECT_NEAR(adjusted[10].item<double>(), 0.0298 * 15 / 7, 1e-12);  // of the next but one
}

TEST(BenjaminiHochberg, KeepsTheShape) {
  const Tensor p = torch::tensor({{0.01, 0.5}, {0.02, 0.9}}, torch::kDouble);
  expect_equal(benjamini_hochberg(p), torch::tensor({{0.04, 2.0 / 3}, {0.04, 0.9}}, torch::kDouble));
}

TEST(RelabellingP, CountsWhatReachesTheObserved) {
  const Tensor observed = torch::tensor({2.0, 0.0}, torch::kDouble);
  const Tensor null = torch::tensor({{1.0, 5.0}, {2.0, -1.0}, {0.0, 0.0}}, torch::kDouble);
  expect_equal(relabelling_p(observed, null), torch::tensor({2.0 / 4, 3.0 / 4}, torch::kDouble));
  // Largest of each relabelling: 5, 2, 0.
  expect_equal(relabelling_max_p(observed, null), torch::tensor({3.0 / 4, 4.0 / 4}, torch::kDouble));
}

TEST(RelabellingP, RefusesWhatCannotBeCounted) {
  const Tensor one = torch::ones({1}, torch::kDouble);
  EXPECT_THROW(relabelling_p(one, torch::ones({0, 1}, torch::kDouble)), ValueError);
  EXPECT_NO_THROW(relabelling_p(one, torch::ones({1, 1}, torch::kDouble)));
  EXPECT_THROW(relabelling_p(one, torch::ones({5, 2}, torch::kDouble)), ShapeError);
  EXPECT_THROW(relabelling_p(one * std::nan(""), torch::ones({5, 1}, torch::kDouble)), ValueError);
}

}  // namespace
}  // namespace noisescope
