#include "noisescope/explain/guidance_anatomy.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"

namespace noisescope {
namespace {

Tensor noise(uint64_t seed, std::vector<int64_t> shape) {
  return Random(seed).normal(Purpose::explain, 0, sample_range(0, shape[0]), torch::IntArrayRef(shape).slice(1),
                             torch::kDouble);
}

double largest_size(const Tensor& t) { return t.abs().max().item<double>(); }

// Sadat et al. 2024: the parts sum to the difference and are orthogonal.
TEST(ParallelParts, SumToTheDifferenceAndAreOrthogonal) {
  const Tensor d = noise(1, {5, 3, 8, 8}), estimate = noise(2, {5, 3, 8, 8});
  const ParallelParts parts = parallel_parts(d, estimate);
  EXPECT_LT(largest_size(parts.parallel + parts.orthogonal - d), 1e-12);
  EXPECT_LT(largest_size((parts.orthogonal * estimate).sum({1, 2, 3})), 1e-9);
  EXPECT_EQ(largest_size(parallel_parts(d, torch::zeros_like(d)).parallel), 0);
}

TEST(BandEnergy, SumsToTheEnergyAndFindsPlaneWaves) {
  const Tensor pictures = noise(3, {4, 3, 16, 16});
  const Tensor bands = band_energy(pictures, 4);
  EXPECT_LT(largest_size(bands.sum(1) - pictures.square().sum({1, 2, 3})), 1e-9);
  const Tensor flat = torch::ones({1, 1, 16, 16}, torch::kDouble);
  EXPECT_NEAR(band_energy(flat, 4)[0][0].item<double>(), 256, 1e-9);
  Tensor checker = torch::arange(16).unsqueeze(0) + torch::arange(16).unsqueeze(1);
  checker = (checker % 2 * 2 - 1).to(torch::kDouble).view({1, 1, 16, 16});  // the corner of the spectrum
  EXPECT_NEAR(band_energy(checker, 4)[0][3].item<double>(), 256, 1e-9);
}

SamplerStep step_of(const Tensor& conditional, const Tensor& unconditional, const Tensor& x) {
  SamplerStep step;
  step.sigma = 1;
  step.x = x;
  step.prediction = {conditional, conditional, unconditional};
  return step;
}

TEST(GuidanceAnatomy, OfOneStepByHand) {
  const Tensor conditional = torch::tensor({3.0, 0.0}, torch::kDouble).view({1, 1, 1, 2});
  const Tensor unconditional = torch::tensor({0.0, 4.0}, torch::kDouble).view({1, 1, 1, 2});
  const Tensor x = torch::tensor({-3.0, 4.0}, torch::kDouble).view({1, 1, 1, 2});
  GuidanceAnatomyObserver observer(2);
  observer.observe(step_of(conditional, unconditional, x));
  const GuidanceAnatomy a = observer.result();
  EXPECT_NEAR(a.norm.item<double>(), 5, 1e-12);                // d = (3, -4)
  EXPECT_NEAR(a.cosine.item<double>(), 9.0 / (5 * 3), 1e-12);  // (-3, 4) with (-3, 0)
  EXPECT_NEAR(a.parallel_share.item<double>(), 9.0 / 25, 1e-12);
  EXPECT_NEAR(a.bands.sum().item<double>(), 1, 1e-12);
}

TEST(GuidanceAnatomy, SkipsStepsWithoutBothBranchesAndNeedsOne) {
  GuidanceAnatomyObserver observer;
  observer.observe(step_of(noise(1, {1, 1, 4, 4}), {}, noise(2, {1, 1, 4, 4})));
  EXPECT_THROW(observer.result(), ValueError);
  EXPECT_THROW(GuidanceAnatomyObserver(0), ValueError);
}

// Li, Wang & Qu 2025: for Gaussian data the linear parts are all of guidance.
TEST(LinearGuidance, LeavesNoResidualOnGaussianData) {
  const Tensor root_c = noise(4, {6, 6}), root_u = noise(5, {6, 6});
  const Tensor covariance_c = root_c.matmul(root_c.t()) / 6, covariance_u = root_u.matmul(root_u.t()) / 6;
  const Tensor mean_c = noise(6, {1, 6})[0], mean_u = noise(7, {1, 6})[0];
  const GaussianData with(mean_c, covariance_c + 1e-3 * torch::eye(6, torch::kDouble));
  const GaussianData without(mean_u, covariance_u + 1e-3 * torch::eye(6, torch::kDouble));
  const LinearGuidance linear(mean_c, with.covariance(), mean_u, without.covariance());
  for (const double sigma : {0.1, 1.0, 10.0}) {
    const Tensor x = sigma * noise(8, {5, 6}).view({5, 1, 2, 3});
    const Tensor level = torch::full({5}, sigma, torch::kDouble), none = torch::zeros({5, 1}, torch::kDouble);
    const Tensor d = with.denoiser()(x, level, none) - without.denoiser()(x, level, none);
    const LinearGuidance::Parts parts = linear.split(x, sigma, d);
    EXPECT_LT(largest_size(parts.residual), 1e-8 * largest_size(d)) << sigma;
    EXPECT_LT(largest_size(parts.mean_shift + parts.positive + parts.negative + parts.residual - d), 1e-10);
  }
}

// Variances 1 and 4 of three pictures: W_c = 1/2, W_u = 4/5, shift (1 - 4/5) 1, contrast -3/10 (x - 1).
TEST(LinearGuidance, OfThreePicturesByHand) {
  const auto pictures = [](const std::vector<double>& values) {
    return torch::tensor(values, torch::kDouble).view({-1, 1, 1, 1});
  };
  const Tensor x = pictures({2});
  const auto parts = LinearGuidance(pictures({0, 1, 2}), pictures({-2, 0, 2})).split(x, 1.0, torch::zeros_like(x));
  EXPECT_NEAR(parts.mean_shift.item<double>(), 0.2, 1e-12);
  EXPECT_NEAR(parts.negative.item<double>(), -0.3, 1e-12);
  EXPECT_NEAR(parts.positive.item<double>(), 0, 1e-12);
}

TEST(LinearGuidance, FitsMomentsOfPictures) {
  const Tensor with = noise(9, {4000, 4}).view({4000, 1, 2, 2}) * 2 + 1;
  const Tensor without = noise(10, {4000, 4}).view({4000, 1, 2, 2});
  const Tensor x = torch::ones({1, 1, 2, 2}, torch::kDouble);
  const auto parts = LinearGuidance(with, without).split(x, 1.0, torch::zeros_like(x));
  // W_u = 1/2, W_c = 4/5: shift (1 - 1/2) 1, contrast (4/5 - 1/2)(x - 1) = 0.
  EXPECT_LT(largest_size(parts.mean_shift - 0.5), 0.05);
  EXPECT_LT(largest_size(parts.positive), 0.05);
  EXPECT_THROW(LinearGuidance(with.slice(0, 0, 1), without), ValueError);
}

}  // namespace
}  // namespace noisescope
