#include "noisescope/explain/metric/localisation.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

Tensor map_of(std::vector<double> values) { return torch::tensor(values, torch::kFloat64).view({1, 2, -1}); }
Tensor mask_of(std::vector<int64_t> values) { return torch::tensor(values).to(torch::kBool).view({1, 2, -1}); }
double value(const Tensor& score) { return score.item<double>(); }

const Tensor kMap = map_of({5, 4, 3, 2, 1, 0});
const Tensor kMask = mask_of({1, 0, 1, 0, 0, 0});

TEST(PointingGame, TiesAreMisses) {
  EXPECT_EQ(value(pointing_game(kMap, kMask)), 1);
  EXPECT_EQ(value(pointing_game(-kMap, kMask)), 0);
  EXPECT_EQ(value(pointing_game(map_of({5, 5, 3, 2, 1, 0}), kMask)), 0);
  EXPECT_EQ(value(pointing_game(torch::ones_like(kMap), kMask)), 0);
}

// Fawcett 2006, section 7: the share of pairs (inside, outside) in the right order.
TEST(LocalisationAuc, CountsPairsInTheRightOrder) {
  EXPECT_DOUBLE_EQ(value(localisation_auc(kMap, kMask)), 7.0 / 8);  // 4 beats 3 once
  EXPECT_DOUBLE_EQ(value(localisation_auc(-kMap, kMask)), 1.0 / 8);
  EXPECT_DOUBLE_EQ(value(localisation_auc(torch::ones_like(kMap), kMask)), 0.5);
  EXPECT_DOUBLE_EQ(value(localisation_auc(map_of({4, 4, 3, 2, 1, 0}), kMask)), 6.5 / 8);
}

TEST(Iou, AtAThresholdOfTheRange) {
  EXPECT_DOUBLE_EQ(value(iou(kMap, kMask, 0.4)), 2.0 / 3);           // 5, 4, 3 are marked
  EXPECT_DOUBLE_EQ(value(iou(kMap * 10 - 7, kMask, 0.4)), 2.0 / 3);  // scale and offset do not matter
  EXPECT_DOUBLE_EQ(value(iou(kMap, kMask, 0.9)), 1.0 / 2);
  EXPECT_DOUBLE_EQ(value(iou(torch::ones_like(kMap), kMask, 0.4)), 0);
}

TEST(Iou, BestOverAllThresholds) {
  EXPECT_DOUBLE_EQ(value(best_iou(kMap, kMask)), 2.0 / 3);
  // Equal values cannot be parted: marking 4, 4 and 3 marks both fours.
  EXPECT_DOUBLE_EQ(value(best_iou(map_of({4, 4, 3, 2, 1, 0}), kMask)), 2.0 / 3);
  EXPECT_DOUBLE_EQ(value(best_iou(torch::ones_like(kMap), kMask)), 2.0 / 6);
  double best = 0;  // every threshold by hand, on a random map
  const Tensor map = Random(1).normal(Purpose::explain, 0, {0}, {4, 8}, torch::kFloat64);
  const Tensor mask = Random(2).normal(Purpose::explain, 0, {0}, {4, 8}) > 0.5;
  for (const double t : {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95}) {
    best = std::max(best, value(iou(map, mask, t)));
  }
  EXPECT_GE(value(best_iou(map, mask)), best);
}

// Arras et al. 2022.
TEST(Relevance, MassAndRankByHand) {
  EXPECT_DOUBLE_EQ(value(relevance_mass(kMap, kMask)), 8.0 / 15);
  EXPECT_DOUBLE_EQ(value(relevance_mass(torch::zeros_like(kMap), kMask)), 0);
  EXPECT_DOUBLE_EQ(value(relevance_rank(kMap, kMask)), 1.0 / 2);  // 5 in, 4 out
}

TEST(Localisation, ScoresEachPictureOfABatchAlone) {
  const Tensor maps = torch::cat({kMap, -kMap}), masks = torch::cat({kMask, kMask});
  EXPECT_TRUE(localisation_auc(maps, masks).equal(torch::tensor({7.0 / 8, 1.0 / 8}, torch::kFloat64)));
  EXPECT_TRUE(pointing_game(maps, masks).equal(torch::tensor({1.0, 0.0}, torch::kFloat64)));
}

TEST(Localisation, RefusesEmptyAndFullMasks) {
  EXPECT_THROW(localisation_auc(kMap, torch::zeros_like(kMask)), ValueError);
  EXPECT_THROW(pointing_game(kMap, torch::ones_like(kMask)), ValueError);
  EXPECT_THROW(iou(kMap, mask_of({1, 0}), 0.4), ShapeError);
}

TEST(Localisation, RefusesWhatWouldMeanNothing) {
  EXPECT_THROW(relevance_mass(kMap - 100, kMask), ValueError);  // signed: shares above 1
  for (const auto metric : {pointing_game, localisation_auc, best_iou, relevance_mass, relevance_rank}) {
    EXPECT_THROW(metric(kMap / 0 * 0, kMask), ValueError);
  }
}

// Not a test of its own: tests/explain/metric/localisation_oracle.py scores the same maps.
TEST(OracleFile, Write) {
  const char* path = std::getenv("NOISESCOPE_ORACLE_FILE");
  if (path == nullptr) GTEST_SKIP() << "run by tests/explain/metric/localisation_oracle.py";
  TensorFile file;
  for (const char* fixture : {"plain", "tied"}) {
    Tensor maps = Random(3).normal(Purpose::explain, 0, sample_range(0, 40), {12, 9}, torch::kFloat64);
    maps = std::string(fixture) == "tied" ? (maps * 2).round() + 20 : maps.abs();
    const Tensor masks = Random(4).normal(Purpose::explain, 0, sample_range(0, 40), {12, 9}) > 0.8;
    const std::string prefix = std::string(fixture) + ".";
    file.tensors[prefix + "maps"] = maps;
    file.tensors[prefix + "masks"] = masks.to(torch::kUInt8);
    file.tensors[prefix + "relevance_mass"] = relevance_mass(maps, masks);
    file.tensors[prefix + "relevance_rank"] = relevance_rank(maps, masks);
    file.tensors[prefix + "auc"] = localisation_auc(maps, masks);
    file.tensors[prefix + "pointing"] = pointing_game(maps, masks);
  }
  write_safetensors(path, file);
}

}  // namespace
}  // namespace noisescope
