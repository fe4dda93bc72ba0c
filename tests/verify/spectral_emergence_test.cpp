// The interval that the explanation report gives with where a band emerges.
#include "noisescope/explain/spectral_emergence.h"

#include <gtest/gtest.h>

#include "noisescope/diffusion/process.h"
#include "noisescope/stats/bootstrap.h"

namespace noisescope {
namespace {

constexpr int64_t kPictures = 40;

/// White pictures of variance 1 noised independently at each level, with their exact estimates
/// x / (1 + sigma^2): every band emerges at log-SNR 0.
SpectralEmergence white_run(uint64_t seed) {
  const std::vector<int64_t> ids = sample_range(0, kPictures);
  const auto white = [&](uint64_t step) {
    return Random(seed).normal(Purpose::explain, step, ids, {1, 8, 8}, torch::kFloat64);
  };
  const Tensor pictures = white(0);
  std::vector<SamplerStep> steps;
  for (uint64_t i = 0; i < 9; ++i) {
    SamplerStep step;
    step.sigma = sigma_of_log_snr(0.25 * double(i) - 1);
    step.prediction.denoised = (pictures + step.sigma * white(i + 1)) / (1 + step.sigma * step.sigma);
    steps.push_back(step);
  }
  return spectral_emergence(steps, pictures, 3);
}

// Nominal 95 %; 300 runs have a standard error of 1.3 %.
TEST(SpectralEmergence, TheBootstrapCoversTheClosedFormAtItsRate) {
  constexpr int kRuns = 300;
  int covered = 0;
  for (int run = 0; run < kRuns; ++run) {
    const SpectralEmergence found = white_run(uint64_t(run));
    const Estimate e =
        bootstrap([&](const Tensor& rows) { return found.emergence(1, rows); }, kPictures, Random(uint64_t(run)), 200);
    covered += e.low <= 0 && 0 <= e.high;
  }
  EXPECT_NEAR(double(covered) / kRuns, 0.95, 0.04);
}

}  // namespace
}  // namespace noisescope
