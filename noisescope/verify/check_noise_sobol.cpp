// Sobol indices of the noise against their closed form on Gaussian pixels, and on the `fine` world with DDIM.
#include <cmath>

#include "noisescope/explain/noise_sobol.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/gaussian_models.h"
#include "noisescope/verify/world_trajectory.h"

namespace noisescope::verify {
namespace {

constexpr double kVariance = 0.7;  // of the Gaussian pixels

std::vector<double> gaussian_sigmas() { return {8, 4, 2, 1, 0.5, 0.25, 0}; }

/// Ancestral sampling of Gaussian pixels is linear in the noises: the share of the final variance that
/// x_T and three windows of two steps have (Ho et al. 2020, arXiv:2006.11239, eq. 7), [4].
Tensor closed_shares() {
  const std::vector<double> sigmas = gaussian_sigmas();
  std::vector<double> gains = {sigmas[0]};
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double sigma2 = sigmas[i] * sigmas[i], next2 = sigmas[i + 1] * sigmas[i + 1];
    const double r2 = next2 / sigma2;
    for (double& gain : gains) gain *= r2 + (1 - r2) * kVariance / (kVariance + sigma2);
    gains.push_back(std::sqrt(next2 * (1 - r2)));
  }
  const Tensor variance = torch::tensor(gains, torch::kDouble).square();
  const Tensor windows = variance.slice(0, 1).view({3, 2}).sum(1);
  return torch::cat({variance.slice(0, 0, 1), windows}) / variance.sum();
}

/// The largest error over players and both orders, with the interval of that index.
Estimate worst_index(const SobolIndices& found, const Tensor& closed, int64_t n) {
  const Tensor errors = (torch::cat({found.first, found.total}).squeeze(1) - closed.repeat({2})).abs();
  const Tensor spread = torch::cat({found.first_error, found.total_error}).squeeze(1);
  const auto worst = errors.argmax().item<int64_t>();
  const double value = errors[worst].item<double>(), half = 1.96 * spread[worst].item<double>();
  return {value, std::max(0.0, value - half), value + half, n};
}

VerifyRow gaussian_row(const VerifyContext& context) {
  constexpr int64_t kRuns = 8192;
  const NoiseSource noise{Random(context.options.seed), sample_range(0, kRuns)};
  const Tensor nothing = torch::zeros({kRuns, 1}, torch::kDouble);
  const Model pixels = context.seen(&Seams::model, gaussian_pixels(kVariance));
  const Trajectory trajectory({pixels.denoiser, gaussian_sigmas(), {.solver = Solver::ddpm}, {.clamp = 0}, kRuns},
                              {nothing, nothing, noise.initial({1, 2, 2}, torch::kDouble), noise});
  const auto pixel = [](const Tensor& x) { return x.flatten(1).slice(1, 0, 1); };
  const NoiseSobol found = noise_sobol(trajectory, pixel, {.windows = 3}, context.control);
  return {"noise_sobol",
          "exact Gaussian",
          "indices of x_T and 3 windows: worst error",
          Direction::at_most,
          0.02,
          worst_index(found.indices, closed_shares(), kRuns),
          worst_error_reversal(torch::cat({found.indices.first_error, found.indices.total_error}), 0.02)};
}

/// Deterministic runs owe every pixel to x_T.
VerifyRow deterministic_row(const VerifyContext& context) {
  const WorldTrajectory runs(context, context.n(200, 40));
  const auto pixels = [](const Tensor& x) { return x.flatten(1).slice(1, 0, -1, 97); };
  const NoiseSobol found = noise_sobol(runs.trajectory, pixels, {.windows = 2}, context.control);
  return {"noise_sobol",
          context.exact_fine.name,
          "DDIM: first-order index of x_T",
          Direction::at_least,
          0.99,
          mean_estimate(found.indices.first[0])};
}

}  // namespace

VerifyRows check_noise_sobol(const VerifyContext& context) {
  return {gaussian_row(context), deterministic_row(context)};
}

}  // namespace noisescope::verify
