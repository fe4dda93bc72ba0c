#include "noisescope/explain/noise_tests.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "tests/stats/uniformity.h"

namespace noisescope {
namespace {

Tensor white(uint64_t seed, int64_t count) {
  return Random(seed).normal(Purpose::explain, 0, sample_range(0, count), {3, 32, 32}, torch::kDouble);
}

double p_of(const NoiseTests& tests, const std::string& name) {
  const auto at = std::find(tests.names.begin(), tests.names.end(), name) - tests.names.begin();
  return tests.combined[at].item<double>();
}

TEST(NoiseTests, PValuesAreUniformUnderTheNull) {
  const NoiseTests tests = test_noise(white(1, 10000));
  for (size_t t = 0; t < tests.names.size(); ++t) {
    EXPECT_GT(uniformity(tests.p.select(1, static_cast<int64_t>(t))), 0.01) << tests.names[t];
  }
}

TEST(NoiseTests, FindALowFrequencyLeakOfFivePerCent) {
  // 5 % of the variance of each picture is a smooth field: white noise averaged over 8x8 blocks.
  const Tensor z = white(2, 200);
  const Tensor coarse = Random(3).normal(Purpose::explain, 0, sample_range(0, 200), {3, 4, 4}, torch::kDouble);
  const Tensor smooth = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3);
  const NoiseTests tests = test_noise(std::sqrt(0.95) * z + std::sqrt(0.05) * smooth);
  const auto at = std::find(tests.names.begin(), tests.names.end(), "low_frequency") - tests.names.begin();
  EXPECT_GT((tests.p.select(1, at) < 0.05).to(torch::kDouble).mean().item<double>(), 0.9);
}

TEST(NoiseTests, EachFindsItsOwnFault) {
  const Tensor z = white(4, 20);
  EXPECT_GT(test_noise(z).corrected.min().item<double>(), 0.01);
  EXPECT_LT(p_of(test_noise(z + 0.03), "mean"), 1e-4);
  EXPECT_LT(p_of(test_noise(z * 1.03), "variance"), 1e-4);
  EXPECT_LT(p_of(test_noise(z + 0.05 * (z * z - 1)), "skewness"), 1e-4);
  EXPECT_LT(p_of(test_noise((z + 0.1 * z.roll(1, 3)) / std::sqrt(1.01)), "horizontal"), 1e-4);
  EXPECT_LT(p_of(test_noise((z + 0.1 * z.roll(1, 2)) / std::sqrt(1.01)), "vertical"), 1e-4);
  EXPECT_LT(p_of(test_noise((z + 0.1 * z.roll(1, 1)) / std::sqrt(1.01)), "channels"), 1e-4);
  EXPECT_LT(p_of(test_noise((z - 0.2 * z.roll(1, 3)) / std::sqrt(1.04)), "high_frequency"), 1e-4);
}

TEST(NoiseTests, RefuseTinyPictures) {
  EXPECT_THROW(test_noise(torch::zeros({1, 3, 2, 8})), ValueError);
  EXPECT_THROW(test_noise(torch::zeros({3, 8, 8})), ShapeError);
}

}  // namespace
}  // namespace noisescope
