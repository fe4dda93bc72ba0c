// What more guidance amplifies, on Gaussian pictures: DDIM under guidance s is linear, frequency by frequency, so the
// energy of every band of every picture at every s has a closed form.
#include <cmath>

#include <ATen/ops/fft_fft2.h>

#include "noisescope/explain/guidance_sweep.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/gaussian_models.h"

namespace noisescope::verify {
namespace {

constexpr const char* kGuidanceSweep = "guidance_sweep";
constexpr int64_t kSweepSide = 16, kSweepPictures = 16;

std::vector<double> sweep_sigmas() { return {20, 12, 7, 4, 2.2, 1.2, 0.6, 0.3, 0.15, 0}; }

/// Faint pictures, so that those at s = 1 stay well inside [-1, 1].
GaussianPrompt faint() {
  const Tensor radius = frequency_radius(kSweepSide);
  const Tensor ramp = torch::linspace(-1, 1, kSweepSide, torch::kFloat64);
  const Tensor tilt = 0.1 * ramp.unsqueeze(0) + 0.05 * ramp.unsqueeze(1);
  return {tilt, -tilt.t(), 0.01 * (-3 * radius).exp(), 0.006 * (-radius).exp()};
}

/// Coefficients of the pictures that DDIM draws from x_T at scale s, [B, side, side]: with D = m + w (x - m) of each
/// branch the guided estimate is D = a + w_s x, and x' = D + (sigma' / sigma) (x - D).
Tensor closed_coefficients(const GaussianPrompt& data, const Tensor& initial, double scale) {
  const std::vector<double> sigmas = sweep_sigmas();
  const Tensor mean_c = at::fft_fft2(data.mean_c), mean_u = at::fft_fft2(data.mean_u);
  Tensor x = at::fft_fft2(initial.squeeze(1)) * sigmas[0];
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double variance = sigmas[i] * sigmas[i], keep = sigmas[i + 1] / sigmas[i];
    const Tensor w_c = data.spectrum_c / (data.spectrum_c + variance);
    const Tensor w_u = data.spectrum_u / (data.spectrum_u + variance);
    const Tensor offset = (1 - scale) * (1 - w_u) * mean_u + scale * (1 - w_c) * mean_c;
    const Tensor gain = (1 - scale) * w_u + scale * w_c;
    x = keep * x + (1 - keep) * (offset + gain * x);
  }
  return x;
}

/// [B, R]
Tensor closed_energy(const GaussianPrompt& data, const Tensor& initial, double scale, int64_t bands) {
  const Tensor power = closed_coefficients(data, initial, scale).abs().square();
  return sums_in_bands(power / static_cast<double>(kSweepSide * kSweepSide), bands);
}

VerifyRow sweep_row(const std::string& subject, const char* figure, const Tensor& found, const Tensor& closed) {
  const double worst = (found / closed - 1).abs().max().item<double>();
  return {kGuidanceSweep, subject, figure, Direction::at_most, 1e-6, {worst, worst, worst, kSweepPictures}};
}

}  // namespace

VerifyRows check_guidance_sweep(const VerifyContext& context) {
  const GaussianPrompt data = faint();
  const Model model = context.seen(&Seams::model, data.model());
  const NoiseSource noise{Random(context.options.seed), sample_range(0, kSweepPictures)};
  const Tensor initial = noise.initial({1, kSweepSide, kSweepSide}, torch::kFloat64);
  const Trajectory trajectory(
      {model.denoiser, sweep_sigmas(), {.solver = Solver::ddim}, context.seen(&Seams::guidance, {.clamp = 0})},
      {model.condition(std::vector<std::string>(kSweepPictures, "prompt")), model.null_condition(kSweepPictures),
       initial, noise});
  const GuidanceSweepOptions options;
  const GuidanceSweep found = guidance_sweep(trajectory, options, context.control);
  const Tensor reference = closed_energy(data, initial, 1, options.bands);
  std::vector<Tensor> gains;
  for (const double scale : options.scales) {
    gains.push_back(closed_energy(data, initial, scale, options.bands) / reference);
  }
  const Tensor closed = torch::stack(gains);
  return {sweep_row(model.name, "energy of each band at scale 1: relative error, worst", found.reference, reference),
          sweep_row(model.name, "gain of each band at scales 0 to 8: relative error, worst", found.gain, closed)};
}

}  // namespace noisescope::verify
