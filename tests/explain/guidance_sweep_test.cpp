#include "noisescope/explain/guidance_sweep.h"

#include <limits>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/explain/guidance_anatomy.h"

namespace noisescope {
namespace {

/// Gaussian data whose prompt shifts the mean and leaves the covariance: at scale s the estimate is
/// that of data with the mean m_u + s (m_c - m_u), so that the flow's closed form holds at every
/// scale.
struct ShiftCase {
  Tensor variance = torch::full({16}, 0.3, torch::kDouble);
  Tensor without = Random(1).normal(Purpose::explain, 0, {0}, {16}, torch::kDouble)[0];
  Tensor shift = Random(2).normal(Purpose::explain, 0, {0}, {16}, torch::kDouble)[0];
  Tensor nothing = torch::zeros({5, 1}, torch::kDouble);
  int64_t evaluations = 0;

  GaussianData at(double scale) const { return {without + scale * shift, variance}; }
  SweepRun run() {
    const NoiseSource noise{Random(3), sample_range(0, 5)};
    const auto sigmas = sampling_sigmas({GridKind::log_snr, 300, 0.01, 40, 7.0});
    // The condition row says which branch is asked for.
    const Denoiser denoiser = [=, this, with = at(1).denoiser(), none = at(0).denoiser()](
                                  const Tensor& x, const Tensor& sigma, const Tensor& condition) {
      evaluations += x.size(0);
      return torch::where(per_sample(condition.select(1, 0)) > 0, with(x, sigma, condition),
                          none(x, sigma, condition));
    };
    const auto at_scale = [=, this](double scale) {
      return guide(denoiser, nothing + 1, nothing, {.scale = scale, .clamp = 0});
    };
    return {at_scale, noise.initial({1, 4, 4}, torch::kDouble) * sigmas[0], sigmas,
            {.solver = Solver::dpmpp_2m}, noise};
  }
};

TEST(GuidanceSweep, GainsOfAMeanShiftAreTheirClosedForm) {
  ShiftCase c;
  const SweepRun run = c.run();
  const GuidanceSweepOptions options{.scales = {0, 1, 3}, .bands = 3};
  const GuidanceSweep sweep = guidance_sweep(run, options);
  EXPECT_EQ(c.evaluations, options.cost(5, 300));
  const auto energy = [&](double scale) {
    return band_energy(c.at(scale).flow(run.x, run.sigmas[0], 0, c.nothing), 3);
  };
  for (size_t i = 0; i < options.scales.size(); ++i) {
    const Tensor closed = energy(options.scales[i]) / energy(1);
    EXPECT_TRUE(torch::allclose(sweep.gain[int64_t(i)], closed, 0.01, 0.01)) << options.scales[i];
  }
  EXPECT_TRUE(torch::equal(sweep.gain[1], torch::ones_like(sweep.gain[1])));
}

TEST(GuidanceSweep, ABandThatStaysEmptyHasGainOne) {
  SweepRun run = ShiftCase().run();
  run.at_scale = [](double scale) {
    return [=](const Tensor& x, const Tensor&) {
      return Prediction{torch::full_like(x, 1 + scale), {}, {}};
    };
  };
  const Tensor gain = guidance_sweep(run, {.scales = {3}, .bands = 2}).gain[0];
  EXPECT_NEAR(gain[0][0].item<double>(), 4, 1e-9);  // flat pictures of 4 and of 2
  EXPECT_NEAR(gain[0][1].item<double>(), 1, 1e-9);
}

TEST(GuidanceSweep, RefusesNoScalesNoBandsAndScalesThatAreNotFinite) {
  const SweepRun run = ShiftCase().run();
  EXPECT_THROW(guidance_sweep(run, {.scales = {}}), ValueError);
  EXPECT_THROW(guidance_sweep(run, {.bands = 0}), ValueError);
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_THROW(guidance_sweep(run, {.scales = {infinite}}), ValueError);
}

}  // namespace
}  // namespace noisescope
