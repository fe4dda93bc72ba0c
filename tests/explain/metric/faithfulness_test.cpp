#include "noisescope/explain/metric/faithfulness.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/metric/baseline_maps.h"
#include "noisescope/explain/metric/infidelity.h"
#include "noisescope/explain/metric/sensitivity.h"
#include "noisescope/io/safetensors.h"
#include "tests/explain/metric/softmax_classifier.h"

namespace noisescope {
namespace {

Tensor row(std::vector<double> values) { return torch::tensor(values, torch::kFloat64); }

/// The sum of a picture's pixels: with zeros for what is removed every curve is a sum of pixels.
Tensor sum_of_pixels(const Tensor& pictures, const Tensor&) { return pictures.sum({1, 2, 3}); }

const Tensor kPicture = row({4, 1, 3, 2}).view({1, 1, 2, 2});

TEST(PixelFlipping, TakesTheLargestFirst) {
  const Tensor curve = pixel_flipping({kPicture, sum_of_pixels, replace_by(0)}, kPicture[0]);
  EXPECT_TRUE(curve.equal(row({6, 3, 1, 0}).unsqueeze(0)));
  const Tensor least = pixel_flipping({kPicture, sum_of_pixels, replace_by(0)}, -kPicture[0]);
  EXPECT_TRUE(least.equal(row({9, 7, 4, 0}).unsqueeze(0)));
}

TEST(PixelFlipping, TheLastStepTakesWhatIsLeftAndPassesDoNotMatter) {
  const Tensor pictures = Random(1).normal(Purpose::explain, 0, {0, 1}, {2, 3, 5}, torch::kFloat64);
  const Tensor maps = Random(2).normal(Purpose::explain, 0, {0, 1}, {3, 5}, torch::kFloat64);
  const FlippingOptions by_four{.pixels_per_step = 4, .pass_size = 3};
  EXPECT_EQ(by_four.steps(15), 4);
  const Tensor curves = pixel_flipping({pictures, sum_of_pixels, replace_by(0)}, maps, by_four);
  const Tensor whole = pixel_flipping({pictures, sum_of_pixels, replace_by(0)}, maps);
  EXPECT_TRUE(torch::allclose(curves, whole.index_select(1, torch::tensor({3, 7, 11, 14}))));
  EXPECT_NEAR(curves.select(1, 3).abs().max().item<double>(), 0, 1e-12);
}

TEST(CurveArea, TrapezoidalRule) {
  EXPECT_DOUBLE_EQ(curve_area(row({0, 1, 1}).unsqueeze(0), {0, 0.5, 1}).item<double>(), 0.75);
  EXPECT_THROW(curve_area(row({0, 1}).unsqueeze(0), {0, 0.5, 1}), ShapeError);
}

TEST(PerturbationCurves, InsertAndDeleteByHand) {
  const PerturbationOptions quarters{.shares = {0, 0.25, 0.5, 0.75, 1}, .pass_size = 1};
  const PerturbationCurves c = perturbation_curves({kPicture, sum_of_pixels, replace_by(0)}, kPicture[0], quarters);
  EXPECT_TRUE(c.insertion.equal(row({0, 4, 7, 9, 10}).unsqueeze(0)));
  EXPECT_TRUE(c.deletion.equal(row({10, 6, 3, 1, 0}).unsqueeze(0)));
  EXPECT_DOUBLE_EQ(c.insertion_area().item<double>(), 6.25);
  EXPECT_DOUBLE_EQ(c.deletion_area().item<double>(), 3.75);
  EXPECT_DOUBLE_EQ(c.area_between().item<double>(), 2.5);
}

TEST(PerturbationCurves, EqualValuesMoveTogether) {
  const PerturbationOptions quarters{.shares = {0, 0.25, 0.5, 0.75, 1}};
  const Tensor tied = row({2, 2, 2, 1}).view({1, 2, 2});
  const PerturbationCurves c = perturbation_curves({kPicture, sum_of_pixels, replace_by(0)}, tied, quarters);
  EXPECT_TRUE(c.insertion.equal(row({0, 0, 0, 8, 10}).unsqueeze(0)));
  EXPECT_TRUE(c.deletion.equal(row({10, 10, 10, 2, 0}).unsqueeze(0)));
}

// 0.3 and 0.7 of 5 pixels are 1.5 and 3.5, which both round up.
TEST(PerturbationCurves, CountsAreAsSymmetricAsTheShares) {
  const Tensor map = torch::arange(5.0, torch::kFloat64).view({1, 1, 5});
  const PerturbationCurves c =
      perturbation_curves({torch::ones({1, 1, 1, 5}), sum_of_pixels, replace_by(0)}, map, {.shares = {0, 0.3, 0.7, 1}});
  EXPECT_TRUE(c.insertion.equal(row({0, 2, 3, 5}).unsqueeze(0)));
}

TEST(PerturbationCurves, EqualMasksAreScoredOnce) {
  int64_t scored = 0;
  const PictureScore counting = [&](const Tensor& pictures, const Tensor& sample) {
    scored += sample.size(0);
    return sum_of_pixels(pictures, sample);
  };
  const Tensor pictures = kPicture.expand({3, 1, 2, 2}), constant = torch::zeros({3, 2, 2});
  perturbation_curves({pictures, counting, replace_by(0)}, constant);
  EXPECT_EQ(scored, 3 * 3);  // all removed, nothing removed (once for both curves), all removed
}

// A random order keeps the same pixels in law at share s of insertion and 1 - s of deletion.
TEST(PerturbationCurves, TheNullValueOfARandomMapIsZero) {
  const int64_t count = 400;
  const std::vector<int64_t> ids = sample_range(0, count);
  const Tensor pictures = Random(3).normal(Purpose::explain, 0, ids, {1, 6, 6}, torch::kFloat64) + 1;
  const PictureScore square = [](const Tensor& x, const Tensor&) {
    return x.sum({1, 2, 3}).square() / 1000;  // not linear
  };
  const Tensor area =
      perturbation_curves({pictures, square, replace_by(0)}, random_maps(6, 6, Random(4), ids)).area_between();
  EXPECT_NEAR(area.mean().item<double>(), 0, 3 * area.std().item<double>() / std::sqrt(double(count)));
}

TEST(Faithfulness, RanksTheTrueMapFirstAndTheConstantOneLast) {
  const std::vector<int64_t> ids = sample_range(0, 40);
  const Tensor pictures = Random(5).normal(Purpose::explain, 0, ids, {1, 8, 8}, torch::kFloat64).abs();
  const Faithfulness f =
      faithfulness({pictures, sum_of_pixels, replace_by(0)}, pictures.squeeze(1), {}, {Random(6), ids});
  const auto mean = [](const PerturbationCurves& c) { return c.area_between().mean().item<double>(); };
  EXPECT_GT(mean(f.map), mean(f.random));
  EXPECT_GT(mean(f.map), mean(f.edges));
  EXPECT_LT(mean(f.constant), std::min({mean(f.map), mean(f.random), mean(f.edges)}));
}

TEST(Faithfulness, RefusesWhatDoesNotFit) {
  const auto curves = [](const Tensor& map, std::vector<double> shares) {
    perturbation_curves({kPicture, sum_of_pixels, replace_by(0)}, map, {.shares = shares});
  };
  EXPECT_THROW(curves(kPicture, {0, 1}), ShapeError);
  EXPECT_THROW(curves(kPicture[0] / 0, {0, 1}), NumericError);
  EXPECT_THROW(curves(kPicture[0], {0, 0.5}), ValueError);
  EXPECT_THROW(curves(kPicture[0], {0, 0.1, 1}), ValueError);       // not symmetric
  EXPECT_THROW(curves(kPicture[0], {0, 0.6, 0.4, 1}), ValueError);  // does not rise
  EXPECT_THROW(pixel_flipping({kPicture, sum_of_pixels, replace_by(0)}, kPicture[0], {.pixels_per_step = 0}),
               ValueError);
}

// A step of height 2 between columns: the Sobel kernel weighs 1 + 2 + 1 rows.
TEST(EdgeMaps, SobelOfAStep) {
  Tensor picture = torch::full({1, 3, 4, 6}, -1.0);
  picture.slice(3, 3).fill_(1);
  const Tensor edges = edge_maps(picture);
  EXPECT_TRUE(edges.select(2, 2).equal(torch::full({1, 4}, 8.0, torch::kFloat64)));
  EXPECT_TRUE(edges.select(2, 3).equal(torch::full({1, 4}, 8.0, torch::kFloat64)));
  EXPECT_EQ(edges.sum().item<double>(), 8 * 8.0);
  EXPECT_TRUE(torch::allclose(edge_maps(picture.transpose(2, 3)), edges.transpose(1, 2)));
}

// Not a test of its own: tests/explain/metric/faithfulness_oracle.py asks quantus and captum the same.
TEST(OracleFile, WriteFaithfulness) {
  const char* path = std::getenv("NOISESCOPE_ORACLE_FILE");
  if (path == nullptr) GTEST_SKIP() << "run by tests/explain/metric/faithfulness_oracle.py";
  constexpr int64_t kPictures = 6, kDraws = 8;
  const std::vector<int64_t> ids = sample_range(0, kPictures);
  const auto classifier = SoftmaxClassifier::draw(5, 108, kPictures);
  const Tensor pictures = Random(7).normal(Purpose::explain, 0, ids, {1, 12, 9}, torch::kFloat64);
  const Tensor maps = Random(8).normal(Purpose::explain, 0, ids, {12, 9}, torch::kFloat64);
  const Tensor curves = pixel_flipping({pictures, classifier.score(), replace_by(0.25)}, maps, {.pixels_per_step = 6});
  std::vector<double> steps;
  for (int64_t s = 0; s < curves.size(1); ++s) steps.push_back(double(s));
  const Tensor perturbations = uniform_perturbations(0.2, kDraws, {1, 12, 9}, Random(9), ids);
  const Sensitivity s =
      sensitivity([&](const Tensor& x) { return classifier.gradient_times_input(x); }, pictures, perturbations);
  const Infidelity i = infidelity(classifier.score(), pictures, maps.unsqueeze(1) * 0.01, perturbations);
  write_safetensors(path, {{{"weights", classifier.weights},
                            {"labels", classifier.labels},
                            {"pictures", pictures},
                            {"maps", maps},
                            {"perturbations", perturbations},
                            {"flipping", curves},
                            {"flipping_area", curve_area(curves, steps)},
                            {"sensitivity_max", s.max},
                            {"sensitivity_mean", s.mean},
                            {"infidelity", i.raw},
                            {"infidelity_scaled", i.scaled}},
                           {}});
}

}  // namespace
}  // namespace noisescope
