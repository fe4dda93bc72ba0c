#include "noisescope/explain/metric/sensitivity.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/metric/infidelity.h"
#include "tests/explain/metric/softmax_classifier.h"

namespace noisescope {
namespace {

const std::vector<int64_t> kTwoPictureIds = sample_range(0, 5);
const Tensor kTwoPictures = Random(1).normal(Purpose::explain, 0, kTwoPictureIds, {1, 3, 4}, torch::kFloat64);
const Tensor kMoves = uniform_perturbations(0.1, 6, {1, 3, 4}, Random(2), kTwoPictureIds);

// The map is the picture: the change is the perturbation itself.
TEST(Sensitivity, OfTheIdentityByHand) {
  const Sensitivity s = sensitivity([](const Tensor& x) { return x.squeeze(1); }, kTwoPictures, kMoves);
  const Tensor relative = kMoves.flatten(2).norm(2, 2) / kTwoPictures.flatten(1).norm(2, 1);
  EXPECT_TRUE(torch::allclose(s.max, relative.amax(0)));
  EXPECT_TRUE(torch::allclose(s.mean, relative.mean(0)));
}

TEST(Sensitivity, OfAMapThatIgnoresThePictureIsZero) {
  for (const double value : {0.0, 2.0}) {
    const MapsOf constant = [=](const Tensor& x) { return torch::full_like(x, value); };
    EXPECT_EQ(sensitivity(constant, kTwoPictures, kMoves).max.sum().item<double>(), 0);
  }
}

TEST(Sensitivity, PerturbationsStayInTheBallAndBelongToTheirPicture) {
  EXPECT_LE(kMoves.abs().max().item<double>(), 0.1);
  EXPECT_GT(kMoves.abs().max().item<double>(), 0.09);
  const Tensor second = uniform_perturbations(0.1, 6, {1, 3, 4}, Random(2), {1});
  EXPECT_TRUE(second.select(1, 0).equal(kMoves.select(1, 1)));
}

TEST(Sensitivity, RefusesWhatDoesNotFit) {
  const MapsOf identity = [](const Tensor& x) { return x; };
  EXPECT_THROW(sensitivity(identity, kTwoPictures, kMoves[0]), ShapeError);
  EXPECT_THROW(sensitivity(identity, kTwoPictures, kMoves.slice(0, 0, 0)), ValueError);
  EXPECT_NO_THROW(sensitivity(identity, kTwoPictures, kMoves.slice(0, 0, 1)));
  EXPECT_THROW(uniform_perturbations(0, 6, {1, 3, 4}, Random(2), kTwoPictureIds), ValueError);
  EXPECT_THROW(uniform_perturbations(0.1, 1000001, {1, 3, 4}, Random(2), kTwoPictureIds), ValueError);
}

// For a linear score the weights themselves are the perfect map.
TEST(Infidelity, OfALinearScore) {
  const Tensor w = Random(3).normal(Purpose::explain, 0, {0}, {1, 3, 4}, torch::kFloat64);
  const PictureScore linear = [&](const Tensor& x, const Tensor&) { return (x * w).sum({1, 2, 3}); };
  const Tensor maps = w.expand_as(kTwoPictures);
  const Infidelity right = infidelity(linear, kTwoPictures, maps, kMoves);
  EXPECT_LT(right.raw.max().item<double>(), 1e-20);
  // Twice the map: off by as much as the score changes; its factor puts it right.
  const Infidelity twice = infidelity(linear, kTwoPictures, 2 * maps, kMoves);
  const Tensor change = (kMoves * w).sum({2, 3, 4}).square().mean(0);
  EXPECT_TRUE(torch::allclose(twice.raw, change));
  EXPECT_LT(twice.scaled.max().item<double>(), 1e-20);
  // No map: nothing is said, everything is missed.
  const Infidelity none = infidelity(linear, kTwoPictures, 0 * maps, kMoves);
  EXPECT_TRUE(torch::allclose(none.raw, change));
  EXPECT_TRUE(torch::allclose(none.scaled, change));
}

TEST(Infidelity, AMapOfOneChannelCountsForAll) {
  const auto classifier = SoftmaxClassifier::draw(3, 24, 5);
  const Tensor two = torch::cat({kTwoPictures, -kTwoPictures}, 1), moves = torch::cat({kMoves, kMoves}, 2);
  const Tensor map = kTwoPictures.square();
  const Infidelity one = infidelity(classifier.score(), two, map, moves);
  const Infidelity both = infidelity(classifier.score(), two, torch::cat({map, map}, 1), moves);
  EXPECT_TRUE(torch::allclose(one.raw, both.raw));
}

TEST(Infidelity, RefusesWhatDoesNotFit) {
  const PictureScore sum = [](const Tensor& x, const Tensor&) { return x.sum({1, 2, 3}); };
  EXPECT_THROW(infidelity(sum, kTwoPictures, kTwoPictures.squeeze(1), kMoves), ShapeError);
  EXPECT_THROW(infidelity(sum, kTwoPictures, kTwoPictures, kMoves.slice(0, 0, 0)), ValueError);
}

}  // namespace
}  // namespace noisescope
