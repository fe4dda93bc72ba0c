#include "noisescope/explain/noise_bands.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

constexpr int64_t kPictures = 400;

Tensor normal(uint64_t seed) {
  return Random(seed).normal(Purpose::explain, 0, sample_range(0, kPictures), {1, 16, 16}, torch::kFloat64);
}

/// One step at `sigma` of pictures x_0 ~ N(0, S), with the estimate of the exact denoiser, S / (S + sigma^2) x.
SamplerStep gaussian_step(double variance, double sigma) {
  const Tensor x = std::sqrt(variance) * normal(1) + sigma * normal(2);
  const Tensor estimate = variance / (variance + sigma * sigma) * x;
  return {0, 1, sigma, 0, x, {estimate, estimate, {}}};
}

// eps-hat of Gaussian data: energy sigma^2 / (S + sigma^2) in every band of a flat spectrum.
TEST(NoiseBands, AreThoseOfGaussianDataInClosedForm) {
  for (const double sigma : {0.5, 1.0, 3.0}) {
    constexpr double kVariance = 2;
    const NoiseBands found = noise_bands({gaussian_step(kVariance, sigma)}, 4);
    const double expected = sigma * sigma / (kVariance + sigma * sigma);
    const Tensor mean = found.energy.mean(1)[0];  // the lowest band: 4 x 400 coefficients or more
    EXPECT_TRUE((mean / expected - 1).abs().lt(0.1).all().item<bool>()) << mean << expected;
    EXPECT_NEAR(found.log_snrs[0], -2 * std::log(sigma), 1e-12);
  }
}

// Where the estimate knows the picture, what is left is the noise itself: 1 in every band.
TEST(NoiseBands, OfTrueNoiseAreOne) {
  const Tensor picture = normal(3), noise = normal(4);
  const NoiseBands found = noise_bands({{0, 1, 0.7, 0, picture + 0.7 * noise, {picture, picture, picture}}}, 4);
  EXPECT_TRUE((found.energy.mean(1) - 1).abs().lt(0.1).all().item<bool>()) << found.energy.mean(1);
  EXPECT_TRUE(torch::equal(found.energy, found.energy_unprompted));
}

// A picture of one frequency that the estimate misses appears in its band alone.
TEST(NoiseBands, WhatIsMissedAppearsInItsBand) {
  const Tensor wave = torch::cos(torch::arange(16, torch::kFloat64) * M_PI).view({1, 1, 1, 16}).expand({1, 1, 16, 16});
  const NoiseBands found = noise_bands({{0, 1, 1.0, 0, wave.contiguous(), {{}, torch::zeros_like(wave), {}}}}, 4);
  const Tensor share = found.energy[0][0] / found.energy[0][0].sum();
  EXPECT_NEAR(share.max().item<double>(), 1, 1e-9);
  EXPECT_EQ(share.argmax().item<int64_t>(), 2);  // half way to the corner: radius 1 / sqrt 2
  EXPECT_FALSE(found.energy_unprompted.defined());
}

TEST(NoiseBands, RefusesWhatIsNotThere) {
  const SamplerStep step = gaussian_step(1, 1);
  EXPECT_THROW(noise_bands({}, 4), ValueError);
  EXPECT_THROW(noise_bands({step}, 0), ValueError);
  EXPECT_THROW(noise_bands({step}, 500), ValueError);
  SamplerStep blind = step;
  blind.prediction = {};
  EXPECT_THROW(noise_bands({blind}, 4), ValueError);
  blind.x = Tensor();
  EXPECT_THROW(noise_bands({blind}, 4), ValueError);
}

}  // namespace
}  // namespace noisescope
