// Predicted noise of Gaussian pictures, band by band: a coefficient of variance S keeps sigma^2 / (S + sigma^2) of
// the energy of noise.
#include <cmath>

#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_ifft2.h>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/noise_bands.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/gaussian_models.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kBandSide = 16, kBandCount = 4;

/// A falling spectrum, the same with the prompt and without.
GaussianPrompt falling() {
  const Tensor zero = torch::zeros({kBandSide, kBandSide}, torch::kFloat64);
  const Tensor spectrum = 4 * (-4 * frequency_radius(kBandSide)).exp();
  return {zero, zero, spectrum, spectrum};
}

/// [count, 1, side, side] of this spectrum.
Tensor pictures_of(const Tensor& spectrum, uint64_t seed, int64_t count) {
  const Tensor white =
      Random(seed).normal(Purpose::explain, 1, sample_range(0, count), {1, kBandSide, kBandSide}, torch::kFloat64);
  return torch::real(at::fft_ifft2(at::fft_fft2(white) * spectrum.sqrt()));
}

/// Mean over the frequencies of each band, [R].
Tensor closed_energy(const Tensor& spectrum, double sigma) {
  const Tensor energy = sigma * sigma / (spectrum + sigma * sigma);
  const Tensor band = (frequency_radius(kBandSide) * double(kBandCount)).floor().clamp_max(kBandCount - 1);
  std::vector<Tensor> means;
  for (int64_t r = 0; r < kBandCount; ++r) means.push_back(energy.masked_select(band == r).mean());
  return torch::stack(means);
}

}  // namespace

VerifyRows check_noise_bands(const VerifyContext& context) {
  const int64_t count = context.n(2000, 500);
  const GaussianPrompt data = falling();
  const Model model = context.seen(&Seams::model, data.model());
  const Tensor clean = pictures_of(data.spectrum_u, context.options.seed, count);
  VerifyRows rows;
  for (const double log_snr : {-2.0, 0.0, 2.0}) {
    const double sigma = sigma_of_log_snr(log_snr);
    const Tensor x = clean + sigma * Random(context.options.seed)
                                         .normal(Purpose::explain, 2, sample_range(0, count), {1, kBandSide, kBandSide},
                                                 torch::kFloat64);
    const Tensor level = torch::full({count}, sigma, torch::kFloat64);
    const Tensor estimate = model.denoiser(x, level, model.null_condition(count));
    const Tensor energy = noise_bands({{0, 1, sigma, 0, x, {estimate, estimate, {}}}}, kBandCount).energy[0];
    const Tensor off = energy / closed_energy(data.spectrum_u, sigma) - 1;
    const int64_t worst = off.mean(0).abs().argmax().item<int64_t>();
    rows.push_back({"noise_bands", "exact Gaussian",
                    "energy of each band at log-SNR " + number_text(log_snr) + ": off, worst band", Direction::at_most,
                    0.05, absolute(mean_estimate(off.select(1, worst)))});
  }
  return rows;
}

}  // namespace noisescope::verify
