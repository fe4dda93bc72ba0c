#include "noisescope/stats/relabelling.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/stats/multiple_testing.h"
#include "tests/stats/uniformity.h"

namespace noisescope {
namespace {

Tensor normal(uint64_t seed, torch::IntArrayRef shape) {
  return Random(seed).normal(Purpose::explain, 0, {0}, shape, torch::kDouble).squeeze(0);
}

/// Deviation of a table of all equally likely values.
double deviation(const std::vector<double>& values) {
  return torch::tensor(values, torch::kDouble).std(/*unbiased=*/false).item<double>();
}

TEST(RelabelBlocks, SpreadIsThatOfAllRelabellings) {
  const Tensor values = normal(1, {2, 3, 1});
  const Tensor centred = (values - values.mean(1, true)).squeeze(2);
  std::vector<double> all;
  for (int64_t a = 0; a < 3; ++a) {
    for (int64_t b = 0; b < 3; ++b) all.push_back(((centred[0][a] + centred[1][b]) / 2).item<double>());
  }
  const Relabelled r = relabel_blocks(values, torch::tensor({2, 0}), {4000, Random(2)});
  EXPECT_NEAR(r.spread.item<double>(), deviation(all), 1e-12);
  EXPECT_NEAR(r.observed.item<double>(), all[6], 1e-12);                        // a = 2, b = 0
  EXPECT_NEAR(r.null.std().item<double>() / r.spread.item<double>(), 1, 0.04);  // 3.5 SE
}

// Hoeffding 1951: the deviation over all permutations of a group of three.
TEST(RelabelPartners, SpreadIsThatOfAllRelabellings) {
  const Tensor values = normal(4, {1, 3, 3, 1});
  std::vector<int64_t> order = {0, 1, 2};
  std::vector<double> all;
  do {
    double sum = 0;
    for (int64_t i = 0; i < 3; ++i) sum += values[0][i][order[size_t(i)]].item<double>();
    all.push_back(sum / 3 - values.mean().item<double>());
  } while (std::next_permutation(order.begin(), order.end()));
  const Relabelled r = relabel_partners(values, {4000, Random(2)});
  EXPECT_NEAR(r.spread.item<double>(), deviation(all), 1e-12);
  EXPECT_NEAR(r.observed.item<double>(), all[0], 1e-12);
  EXPECT_NEAR(r.null.std().item<double>() / r.spread.item<double>(), 1, 0.04);
}

// A partner that does something to everybody says nothing about who belongs to whom.
TEST(RelabelPartners, PIsUniformWherePicturesAndPartnersHaveEffectsOfTheirOwn) {
  std::vector<Tensor> p;
  for (uint64_t i = 0; i < 400; ++i) {
    const Tensor values =
        5 * normal(9000 + i, {2, 4, 1, 1}) + 5 * normal(20000 + i, {2, 1, 4, 1}) + normal(30000 + i, {2, 4, 4, 1});
    const Relabelled r = relabel_partners(values, {199, Random(i)});
    p.push_back(relabelling_p(r.observed, r.null));
  }
  EXPECT_GT(uniformity(torch::cat(p)), 0.01);
}

TEST(RelabelGroup, SpreadIsThatOfAllRelabellings) {
  const Tensor values = normal(3, {4, 1});
  const Tensor centred = (values - values.mean()).squeeze(1);
  std::vector<double> all;
  for (int64_t a = 0; a < 4; ++a) {
    for (int64_t b = a + 1; b < 4; ++b) all.push_back(((centred[a] + centred[b]) / 2).item<double>());
  }
  const Relabelled r = relabel_group(values.narrow(0, 0, 2), values.narrow(0, 2, 2), {4000, Random(2)});
  EXPECT_NEAR(r.spread.item<double>(), deviation(all), 1e-12);
  EXPECT_NEAR(r.observed.item<double>(), all[0], 1e-12);
  EXPECT_NEAR(r.null.std().item<double>() / r.spread.item<double>(), 1, 0.04);
}

TEST(Relabelling, PValuesAreUniformUnderTheNull) {
  std::vector<Tensor> blocks, groups;
  for (uint64_t i = 0; i < 400; ++i) {
    const RelabellingDraws draws{199, Random(i)};
    const Relabelled b = relabel_blocks(normal(1000 + i, {6, 4, 1}).exp(), torch::zeros({6}, torch::kInt64), draws);
    blocks.push_back(relabelling_p(b.observed, b.null));
    const Tensor rows = normal(5000 + i, {12, 1}).exp();
    const Relabelled g = relabel_group(rows.narrow(0, 0, 3), rows.narrow(0, 3, 9), draws);
    groups.push_back(relabelling_p(g.observed, g.null));
  }
  EXPECT_GT(uniformity(torch::cat(blocks)), 0.01);
  EXPECT_GT(uniformity(torch::cat(groups)), 0.01);
}

TEST(Relabelling, CellsWithoutSpreadSayNothing) {
  const Tensor values = torch::stack({torch::full({5}, 0.3, torch::kDouble), torch::arange(5, torch::kDouble)}, 1);
  const Relabelled z =
      relabel_group(values.narrow(0, 4, 1), values.narrow(0, 0, 4), {99, Random(1)}).standardised(1e-9);
  EXPECT_EQ(z.observed[0].item<double>(), 0);
  EXPECT_EQ(z.null.select(1, 0).abs().max().item<double>(), 0);
  // One of five: deviation of 0 .. 4 is sqrt 2.
  EXPECT_NEAR(z.observed[1].item<double>(), 2 / std::sqrt(2.0), 1e-12);
}

TEST(Relabelling, RefusesBadInput) {
  const Tensor own = torch::zeros({2}, torch::kInt64), ones = torch::ones({2, 3, 1}, torch::kDouble);
  EXPECT_THROW(relabel_blocks(ones.narrow(1, 0, 1), own, {}), ValueError);
  EXPECT_THROW(relabel_blocks(ones, own + 3, {}), ValueError);
  EXPECT_THROW(relabel_blocks(ones, own, {0, Random(1)}), ValueError);
  EXPECT_NO_THROW(relabel_blocks(ones, own, {1, Random(1)}));
  EXPECT_THROW(relabel_blocks(ones * std::nan(""), own, {}), NumericError);
  EXPECT_THROW(relabel_partners(torch::ones({2, 1, 1, 1}, torch::kDouble), {}), ValueError);
  EXPECT_THROW(relabel_partners(torch::ones({2, 3, 2, 1}, torch::kDouble), {}), ShapeError);
  EXPECT_THROW(relabel_group(ones[0], ones[0].narrow(0, 0, 0), {}), ValueError);
  EXPECT_THROW(relabel_group(ones[0], torch::ones({2, 2}, torch::kDouble), {}), ShapeError);
}

}  // namespace
}  // namespace noisescope
