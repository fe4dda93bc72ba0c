#include "noisescope/evaluate/feature_metrics.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

Tensor gaussian(uint64_t seed, int64_t n, int64_t width) {
  return Random(seed).normal(Purpose::evaluation, 0, sample_range(0, n), {width}, torch::kFloat64);
}

Tensor unit_rows(const Tensor& x) { return x / x.norm(2, 1, true); }

// Published values: Brown, Cai & DasGupta 2001; R: binom::binom.wilson(9, 10), (0, 10), (50, 100).
TEST(Wilson, PublishedValues) {
  const Estimate nine = wilson(9, 10);
  EXPECT_NEAR(nine.low, 0.59585, 1e-5);
  EXPECT_NEAR(nine.high, 0.98212, 1e-5);
  EXPECT_NEAR(wilson(0, 10).high, 0.27754, 1e-5);
  EXPECT_DOUBLE_EQ(wilson(0, 10).low, 0.0);
  EXPECT_NEAR(wilson(50, 100).low, 0.40383, 1e-5);
  EXPECT_THROW(wilson(3, 2), ValueError);
  EXPECT_THROW(wilson(0, 0), ValueError);
}

// The interval's ends solve |p_hat - p| = z sqrt(p (1 - p) / n): Wilson's defining equation.
TEST(Wilson, EndsSolveTheScoreEquation) {
  const Estimate e = wilson(37, 120);
  for (const double p : {e.low, e.high}) {
    EXPECT_NEAR(std::abs(e.value - p), 1.959963984540054 * std::sqrt(p * (1 - p) / 120), 1e-12);
  }
}

// Kolmogorov's limit distribution has its 5 % point at sqrt(n) D = 1.35810 (Smirnov 1948, table).
TEST(UniformityP, TabulatedValues) {
  const int64_t n = 1000000;
  const Tensor grid = (torch::arange(n, torch::kFloat64) + 0.5) / n;
  const double d = 1.35810 / std::sqrt(double(n));
  EXPECT_NEAR(uniformity_p((grid + d - 0.5 / n).clamp_max(1)), 0.05, 2e-3);
  EXPECT_GT(uniformity_p(grid), 0.999);
  EXPECT_LT(uniformity_p(grid.square()), 1e-9);
}

// Binkowski et al. 2018, eq. 4, by its double sum.
TEST(Kid, EqualsTheDoubleSum) {
  const Tensor x = gaussian(1, 12, 5), y = gaussian(2, 12, 5) + 0.3;
  const auto k = [](const Tensor& a, const Tensor& b) { return std::pow((a * b).sum().item<double>() / 5 + 1, 3); };
  double expected = 0;
  for (int64_t block = 0; block < 2; ++block) {
    double xx = 0, yy = 0, xy = 0;
    for (int64_t i = 6 * block; i < 6 * block + 6; ++i) {
      for (int64_t j = 6 * block; j < 6 * block + 6; ++j) {
        if (i != j) xx += k(x[i], x[j]) / 30, yy += k(y[i], y[j]) / 30;
        xy += k(x[i], y[j]) / 36;
      }
    }
    expected += (xx + yy - 2 * xy) / 2;
  }
  EXPECT_NEAR(kid(x, y, 2).value, expected, 1e-10);
}

TEST(Kid, TwoBlocksOfTwoRowsAreEnough) {
  EXPECT_TRUE(std::isfinite(kid(gaussian(1, 4, 3), gaussian(2, 4, 3), 2).value));
  EXPECT_THROW(kid(gaussian(1, 3, 3), gaussian(2, 4, 3), 2), ValueError);
}

TEST(Kid, IsUnbiased) {
  const Estimate same = kid(gaussian(1, 2000, 8), gaussian(2, 2000, 8), 20);
  EXPECT_LT(same.low, 0.0);  // the interval of equal distributions holds 0
  EXPECT_GT(same.high, 0.0);
  EXPECT_GT(kid(gaussian(1, 2000, 8), gaussian(2, 2000, 8) + 0.5, 20).low, 0.0);
}

// Diagonal covariances commute: FD = |d mu|^2 + sum (s_x - s_y)^2 with the samples' own moments.
TEST(FrechetDistance, ClosedFormInOneDimension) {
  const Tensor x = gaussian(3, 500, 1), y = 2.0 * gaussian(4, 400, 1) + 1.0;
  const double expected =
      std::pow((x.mean() - y.mean()).item<double>(), 2) + std::pow((x.std() - y.std()).item<double>(), 2);
  EXPECT_NEAR(frechet_distance(x, y), expected, 1e-10);
}

TEST(FrechetDistance, TwoRowsAreEnough) {
  const Tensor x = torch::tensor({{0.0}, {2.0}}), y = torch::tensor({{3.0}, {5.0}});  // as wide, 3 apart
  EXPECT_NEAR(frechet_distance(x, y), 9, 1e-10);
  EXPECT_THROW(frechet_distance(x.slice(0, 0, 1), y), ValueError);
}

TEST(FrechetDistance, RotationInvariantAndZeroForEqualSets) {
  const Tensor x = gaussian(5, 300, 4), y = gaussian(6, 300, 4).matmul(gaussian(7, 4, 4));
  EXPECT_NEAR(frechet_distance(x, x), 0.0, 1e-9);
  const Tensor q = std::get<0>(torch::linalg_qr(gaussian(8, 4, 4)));
  EXPECT_NEAR(frechet_distance(x.matmul(q), y.matmul(q)), frechet_distance(x, y), 1e-9);
}

TEST(Coverage, CountsBallsThatHoldAGeneratedRow) {
  const Tensor real = torch::tensor({{0.0}, {1.0}, {2.0}, {10.0}, {11.0}, {12.0}});
  EXPECT_DOUBLE_EQ(coverage(real, real, 1).value, 1.0);
  // Balls of radius 1 around 0, 1, 2 hold 0.5 or 1.9; nothing lies near 10 .. 12.
  const Tensor generated = torch::tensor({{0.5}, {1.9}});
  EXPECT_DOUBLE_EQ(coverage(real, generated, 1).value, 0.5);
  EXPECT_THROW(coverage(real, generated, 6), ValueError);
}

class RPrecision : public testing::Test {
 protected:
  const Tensor captions = unit_rows(gaussian(9, 40, 16));
  const Tensor own = torch::arange(2000) % 40;
  const Tensor only_own = own.unsqueeze(1) == torch::arange(40);
};

TEST_F(RPrecision, ChanceAndPerfection) {
  const Tensor images = captions.index_select(0, own);
  EXPECT_DOUBLE_EQ(r_precision(images, {captions, own, only_own}, Random(1), 9).value, 1.0);
  // Pictures that know nothing of their caption: 1 in 10.
  const Estimate chance = r_precision(gaussian(10, 2000, 16), {captions, own, only_own}, Random(1), 9);
  EXPECT_NEAR(chance.value, 0.1, 0.03);
}

TEST_F(RPrecision, OneDistractorIsACoinFlip) {
  const Estimate chance = r_precision(gaussian(10, 2000, 16), {captions, own, only_own}, Random(1), 1);
  EXPECT_NEAR(chance.value, 0.5, 0.04);
  EXPECT_THROW(r_precision(captions.index_select(0, own), {captions, own, only_own}, Random(1), 0), ValueError);
}

// A picture that prefers another true caption is not wrong: captions 2k and 2k + 1 say the same, and
// each picture lies at the one that is not its own.
TEST_F(RPrecision, AnotherTrueCaptionIsNoDistractor) {
  const Tensor meaning = torch::arange(40).div(2, "floor");
  const Tensor is_true = meaning.index_select(0, own).unsqueeze(1) == meaning;
  const Tensor pairs = captions.index_select(0, meaning * 2) + 0.1 * captions;
  const Tensor images = pairs.index_select(0, own.bitwise_xor(1));
  EXPECT_DOUBLE_EQ(r_precision(images, {unit_rows(pairs), own, is_true}, Random(1), 39).value, 1.0);
  EXPECT_LT(r_precision(images, {unit_rows(pairs), own, only_own}, Random(1), 39).value, 0.5);
}

TEST_F(RPrecision, RefusesPicturesOfWhichEveryCaptionIsTrue) {
  const Tensor images = captions.index_select(0, own);
  EXPECT_THROW(r_precision(images, {captions, own, torch::ones({2000, 40}, torch::kBool)}, Random(1)), ValueError);
}

}  // namespace
}  // namespace noisescope
