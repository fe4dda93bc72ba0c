#include "noisescope/explain/picture_draw.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"

namespace noisescope {
namespace {

DrawSetup blobs(int64_t pass_size) {
  const GaussianMixture data{torch::eye(3, 8), torch::full({3, 8}, 0.05)};
  return {data.denoiser(), torch::ones({3}, torch::kDouble), {}, {10, 3, 1, 0.3, 0},
          {.solver = Solver::ddpm}, pass_size};
}

// A picture depends on its own noise and prompt alone, so passes of any size give the same.
TEST(PictureDrawer, PassesDoNotShow) {
  const NoiseSource noise{Random(1), {4, 1, 9, 2, 7}};
  const Tensor initial = noise.initial({2, 2, 2}, torch::kDouble);
  const Tensor condition = torch::eye(3, torch::kDouble).index({torch::tensor({0, 1, 2, 1, 0})});
  const Tensor whole = picture_drawer(blobs(5))(initial, condition, noise);
  EXPECT_TRUE(torch::allclose(whole, picture_drawer(blobs(2))(initial, condition, noise)));
  const Tensor third = picture_drawer(blobs(1))(initial.slice(0, 2, 3), condition.slice(0, 2, 3),
                                                rows_of(noise, {2}));
  EXPECT_TRUE(torch::allclose(whole.slice(0, 2, 3), third));
}

TEST(PictureDrawer, IsRunSampler) {
  const NoiseSource noise{Random(1), {4, 1}};
  const Tensor initial = noise.initial({2, 2, 2}, torch::kDouble);
  const Tensor condition = torch::eye(3, torch::kDouble).slice(0, 0, 2);
  const DrawSetup setup = blobs(8);
  const Predictor predict = guide(setup.denoiser, condition, condition, setup.guidance);
  EXPECT_TRUE(torch::equal(picture_drawer(setup)(initial, condition, noise),
                           run_sampler(predict, 10 * initial, setup.sigmas, setup.sampler, noise)));
}

TEST(PictureDrawer, RefusesRowsThatDoNotFit) {
  const NoiseSource noise{Random(1), {4, 1}};
  const Tensor initial = noise.initial({2, 2, 2}, torch::kDouble);
  EXPECT_THROW(picture_drawer(blobs(0)), ValueError);
  EXPECT_THROW(picture_drawer(blobs(4))(initial, torch::eye(3, torch::kDouble), noise), ShapeError);
  EXPECT_THROW(picture_drawer(blobs(4))(initial.slice(0, 1), torch::eye(3, torch::kDouble), noise), ShapeError);
}

}  // namespace
}  // namespace noisescope
