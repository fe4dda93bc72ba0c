#include "noisescope/explain/noise_transplant.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "tests/diffusion/small_trajectory.h"

namespace noisescope {
namespace {

constexpr int64_t kSide = 6;

/// The noise is the picture, its largest pixel the object.
Tensor largest_pixel(const Tensor& pictures) {
  const Tensor flat = pictures.flatten(1);
  return flat.eq(flat.amax(1, true)).view({-1, kSide, kSide});
}

Transplant transplant(const FindObject& find, const TransplantOptions& options, int64_t count = 4000) {
  const NoiseSource noise{Random(1), sample_range(0, count)}, other{Random(2), noise.sample_ids};
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor&) { return x; };
  const Tensor donors = noise.initial({1, kSide, kSide}, torch::kDouble);
  return noise_transplant(
      one_step(draw, other.initial({1, kSide, kSide}, torch::kDouble), torch::zeros({count, 1}), noise), donors, find,
      options);
}

// The transplanted pixel is the largest where it exceeds the recipient's largest: half of the pairs. A
// new pixel is the largest of 36 in one of 36.
TEST(Transplant, LargestPixelMovesByChanceOfItsSize) {
  const Transplant result = transplant(largest_pixel, {.halo_px = 0});
  const auto share = [](const Tensor& t) { return t.to(torch::kDouble).mean().item<double>(); };
  EXPECT_NEAR(share(result.eligible()), 35.0 / 36, 0.01);
  EXPECT_NEAR(share(result.moved()), 0.5, 0.025);
  EXPECT_NEAR(share(result.moved_by_control()), 1.0 / 36, 0.01);
}

TEST(Transplant, WholePictureAlwaysMoves) {
  const Transplant result = transplant(largest_pixel, {.halo_px = kSide}, 50);
  EXPECT_TRUE(result.moved().all().item<bool>());
  EXPECT_EQ(result.after.min().item<double>(), 1);
}

TEST(Transplant, PairsWithoutADonorsObjectDoNotCount) {
  const FindObject nothing = [](const Tensor& pictures) {
    return torch::zeros({pictures.size(0), kSide, kSide}, torch::kBool);
  };
  EXPECT_EQ(transplant(nothing, {}, 5).moved().numel(), 0);
}

TEST(Transplant, BlocksAreBoundingBoxesWithAHalo) {
  Tensor mask = torch::zeros({2, 5, 6}, torch::kBool);
  mask[0][1][3] = mask[0][2][4] = true;
  const Tensor block = bounding_blocks(mask, 1);
  Tensor expected = torch::zeros({2, 5, 6}, torch::kBool);
  expected[0].slice(0, 0, 4).slice(1, 2, 6).fill_(true);
  EXPECT_TRUE(torch::equal(block, expected)) << block;
}

TEST(Transplant, RefusesOptionsOutOfRange) {
  EXPECT_THROW(transplant(largest_pixel, {.halo_px = -1}, 3), ValueError);
  EXPECT_THROW(transplant(largest_pixel, {.overlap = 0}, 3), ValueError);
  EXPECT_THROW(transplant(largest_pixel, {.overlap = 1.5}, 3), ValueError);
}

}  // namespace
}  // namespace noisescope
