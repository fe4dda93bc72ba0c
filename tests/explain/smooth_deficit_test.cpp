#include "noisescope/explain/smooth_deficit.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

/// A left half without detail beside a chequered right one, [B, 3, 32, 32].
Tensor half_smooth(int64_t count) {
  const Tensor place = torch::arange(32);
  const Tensor chequered = ((place.unsqueeze(1) + place.unsqueeze(0)) % 2).to(torch::kDouble);
  return (chequered * (place >= 16)).expand({count, 3, 32, 32});
}

Tensor white(int64_t count) {
  return Random(1).normal(Purpose::explain, 0, sample_range(0, count), {3, 32, 32}, torch::kDouble);
}

TEST(SmoothDeficit, FindsTheSmoothPixels) {
  const Tensor smooth = smooth_deficit(white(1), half_smooth(1)).smooth[0];
  EXPECT_TRUE(smooth.slice(1, 0, 15).all().item<bool>());
  EXPECT_FALSE(smooth.slice(1, 15).any().item<bool>());
  EXPECT_EQ(smooth_deficit(white(1), half_smooth(1), {.radius_px = 3}).smooth.sum().item<int64_t>(), 13 * 32);
}

TEST(SmoothDeficit, IsTheLogRatioOfTheVariances) {
  const Tensor noise = white(200);
  const Tensor none = smooth_deficit(noise, half_smooth(200)).log_ratio;
  EXPECT_LT(std::abs(none.mean().item<double>()), 0.015);  // standard error .0036
  Tensor quiet = noise.clone();
  quiet.slice(3, 0, 15).mul_(0.5).add_(3);  // a quarter of the variance; means do not count
  const Tensor found = smooth_deficit(quiet, half_smooth(200)).log_ratio;
  EXPECT_NEAR((found - none).mean().item<double>(), std::log(0.25), 1e-9);
}

TEST(SmoothDeficit, HasNoAnswerWhereAllIsSmooth) {
  const Tensor flat = torch::zeros({1, 3, 32, 32});
  EXPECT_TRUE(std::isnan(smooth_deficit(white(1), flat).log_ratio.item<double>()));
}

TEST(SmoothDeficit, RefusesBadInput) {
  EXPECT_THROW(smooth_deficit(white(2), half_smooth(1)), ShapeError);
  EXPECT_THROW(smooth_deficit(white(1)[0], half_smooth(1)), ShapeError);
  EXPECT_THROW(smooth_deficit(white(1), half_smooth(1), {.radius_px = 0}), ValueError);
  EXPECT_THROW(smooth_deficit(white(1), half_smooth(1), {.tolerance = -1}), ValueError);
}

}  // namespace
}  // namespace noisescope
