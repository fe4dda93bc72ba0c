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
  /// The condition row says which branch is asked for.
  Trajectory run() {
    const Denoiser denoiser = [=, this, with = at(1).denoiser(), none = at(0).denoiser()](
                                  const Tensor& x, const Tensor& sigma, const Tensor& condition) {
      evaluations += x.size(0);
      return torch::where(per_sample(condition.select(1, 0)) > 0, with(x, sigma, condition), none(x, sigma, condition));
    };
    return run(denoiser);
  }
  Trajectory run(Denoiser denoiser) const {
    const NoiseSource noise{Random(3), sample_range(0, 5)};
    return {{std::move(denoiser),
             sampling_sigmas({GridKind::log_snr, 300, 0.01, 40, 7.0}),
             {.solver = Solver::dpmpp_2m},
             {.clamp = 0}},
            {nothing + 1, nothing, noise.initial({1, 4, 4}, torch::kDouble), noise}};
  }
};

TEST(GuidanceSweep, GainsOfAMeanShiftAreTheirClosedForm) {
  ShiftCase c;
  const Trajectory run = c.run();
  const GuidanceSweepOptions options{.scales = {0, 1, 3}, .bands = 3};
  const GuidanceSweep sweep = guidance_sweep(run, options);
  EXPECT_EQ(c.evaluations, options.cost(5, 300));
  const auto energy = [&](double scale) {
    const double first = run.sampling().sigmas[0];
    return band_energy(c.at(scale).flow(run.initial() * first, first, 0, c.nothing), 3);
  };
  for (size_t i = 0; i < options.scales.size(); ++i) {
    const Tensor closed = energy(options.scales[i]) / energy(1);
    EXPECT_TRUE(torch::allclose(sweep.gain[int64_t(i)], closed, 0.01, 0.01)) << options.scales[i];
  }
  EXPECT_TRUE(torch::equal(sweep.gain[1], torch::ones_like(sweep.gain[1])));
}

TEST(GuidanceSweep, ABandThatStaysEmptyHasGainOne) {
  const Trajectory run = ShiftCase().run([](const Tensor& x, const Tensor&, const Tensor& condition) {
    return per_sample(condition.select(1, 0)).expand_as(x) + 1;  // 1 + scale
  });
  const Tensor gain = guidance_sweep(run, {.scales = {3}, .bands = 2}).gain[0];
  EXPECT_NEAR(gain[0][0].item<double>(), 4, 1e-9);  // flat pictures of 4 and of 2
  EXPECT_NEAR(gain[0][1].item<double>(), 1, 1e-9);
}

TEST(GuidanceSweep, RefusesNoScalesNoBandsAndScalesThatAreNotFinite) {
  ShiftCase c;
  const Trajectory run = c.run();
  EXPECT_THROW(guidance_sweep(run, {.scales = {}}), ValueError);
  EXPECT_THROW(guidance_sweep(run, {.bands = 0}), ValueError);
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_THROW(guidance_sweep(run, {.scales = {infinite}}), ValueError);
}

}  // namespace
}  // namespace noisescope
