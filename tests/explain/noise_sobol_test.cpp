#include "noisescope/explain/noise_sobol.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

constexpr double kNoiseSobolVariance = 0.7;
const std::vector<double> kSigmas = {8, 4, 2, 1, 0.5, 0.25, 0};

/// Pixels of variance kNoiseSobolVariance around 0: D = v / (v + sigma^2) x.
Tensor shrink(const Tensor& x, const Tensor& sigma, const Tensor&) {
  return x * per_sample(kNoiseSobolVariance / (kNoiseSobolVariance + sigma.square()));
}

/// Ancestral sampling is then linear in the noises: the variance that x_T and each step's noise end up
/// with in a pixel, [1 + S], by Ho et al. 2020, eq. 7.
std::vector<double> variance_of_noises() {
  std::vector<double> gains = {kSigmas[0]};
  for (size_t i = 0; i + 1 < kSigmas.size(); ++i) {
    const double sigma2 = kSigmas[i] * kSigmas[i], next2 = kSigmas[i + 1] * kSigmas[i + 1];
    const double r2 = next2 / sigma2;
    const double factor = r2 + (1 - r2) * kNoiseSobolVariance / (kNoiseSobolVariance + sigma2);
    for (double& gain : gains) gain *= factor;
    gains.push_back(std::sqrt(next2 * (1 - r2)));
  }
  for (double& gain : gains) gain *= gain;
  return gains;
}

/// Shares of the players x_T and three windows of two steps, [4].
Tensor shares_of_players() {
  const std::vector<double> v = variance_of_noises();
  const Tensor sums = torch::tensor({v[0], v[1] + v[2], v[3] + v[4], v[5] + v[6]}, torch::kDouble);
  return sums / sums.sum();
}

NoiseSobol explain(const SamplerOptions& sampler, const ScorePictures& scores, int64_t count, int64_t windows = 3) {
  const NoiseSource noise{Random(1), sample_range(0, count)};
  const Tensor none = torch::zeros({count, 1}, torch::kDouble);
  GuidanceOptions unclipped;
  unclipped.clamp = 0;
  const Trajectory trajectory({shrink, kSigmas, sampler, unclipped, 5000},
                              {none, none, noise.initial({1, 2, 2}, torch::kDouble), noise});
  return noise_sobol(trajectory, scores, {windows});
}

Tensor error(const Tensor& indices, const Tensor& truth) { return (indices - truth.unsqueeze(1)).abs().max(); }

TEST(NoiseSobol, LinearGaussianModel) {
  const auto first_pixel = [](const Tensor& x) { return x.flatten(1).slice(1, 0, 1); };
  const NoiseSobol found = explain({.solver = Solver::ddpm}, first_pixel, 8192);
  EXPECT_LT(error(found.indices.first, shares_of_players()).item<double>(), 0.02);
  EXPECT_LT(error(found.indices.total, shares_of_players()).item<double>(), 0.02);
  EXPECT_NEAR(found.indices.first.sum().item<double>(), 1, 0.03);
  EXPECT_EQ(found.first_steps, (std::vector<int64_t>{0, 2, 4, 6}));
}

// y = sum of independent Gaussians with shares s: of y^2, S = s^2 and T = 1 - (1 - s)^2.
TEST(NoiseSobol, SquareOfALinearGaussianModelInteracts) {
  const auto square = [](const Tensor& x) { return x.flatten(1).slice(1, 0, 1).square(); };
  const NoiseSobol found = explain({.solver = Solver::ddpm}, square, 16384);
  const Tensor s = shares_of_players();
  EXPECT_LT(error(found.indices.first, s.square()).item<double>(), 0.03);
  EXPECT_LT(error(found.indices.total, 1 - (1 - s).square()).item<double>(), 0.03);
  EXPECT_LT(found.indices.first.sum().item<double>(), 1);
}

TEST(NoiseSobol, DeterministicSamplerOwesAllToTheInitialNoise) {
  const auto pixels = [](const Tensor& x) { return x.flatten(1).exp(); };
  const SobolIndices found = explain({.solver = Solver::ddim}, pixels, 100).indices;
  const Tensor truth = torch::tensor({1.0, 0.0, 0.0, 0.0}, torch::kDouble);
  EXPECT_LT(error(found.first, truth).item<double>(), 1e-9);
  EXPECT_LT(error(found.total, truth).item<double>(), 1e-9);
}

TEST(NoiseSobol, RefusesMoreWindowsThanSteps) {
  const auto pixels = [](const Tensor& x) { return x.flatten(1); };
  EXPECT_THROW(explain({.solver = Solver::ddpm}, pixels, 10, 7), ValueError);
  EXPECT_THROW(explain({.solver = Solver::ddpm}, pixels, 10, 0), ValueError);
  EXPECT_THROW(explain({.solver = Solver::ddpm}, pixels, 1), ValueError);
}

}  // namespace
}  // namespace noisescope
