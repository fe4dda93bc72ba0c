#include "noisescope/explain/spectral_emergence.h"

#include <cmath>
#include <limits>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/guidance_anatomy.h"

namespace noisescope {
namespace {

Tensor about_their_mean(const Tensor& pictures) {
  const Tensor exact = pictures.to(torch::kCPU, torch::kFloat64);
  return exact - exact.mean(0, true);
}

/// Coefficients in each band of a channel: an impulse has the energy 1 / (H W) in each of them.
Tensor band_sizes(int64_t height, int64_t width, int64_t bands) {
  Tensor impulse = torch::zeros({1, 1, height, width}, torch::kFloat64);
  impulse[0][0][0][0] = 1;
  const Tensor sizes = band_energy(impulse, bands)[0] * static_cast<double>(height * width);
  if (!(sizes > 0.5).all().item<bool>()) {
    throw ValueError("[explain.band_spectrum] expected bands that hold coefficients, got " +
                     std::to_string(bands) + " of them for " + std::to_string(height) + " x " +
                     std::to_string(width) + " pixels; use fewer");
  }
  return sizes;
}

Tensor total_energy(const Tensor& pictures, int64_t bands) {
  return band_energy(pictures, bands).sum(0);
}

/// Squared coherence in each band, over all pictures: <a, b>^2 / (|a|^2 |b|^2).
Tensor squared_coherence(const Tensor& a, const Tensor& b, int64_t bands) {
  const Tensor inner = (total_energy(a + b, bands) - total_energy(a - b, bands)) / 4;
  const Tensor sizes = total_energy(a, bands) * total_energy(b, bands);
  return torch::where(sizes > 0, inner.square() / sizes, torch::zeros_like(sizes));
}

/// Where `curve` [S] comes to stay above one half.
double emergence_of(const Tensor& curve, const std::vector<double>& log_snrs) {
  const auto at = [&](size_t i) { return curve[static_cast<int64_t>(i)].item<double>(); };
  size_t first = log_snrs.size();
  while (first > 0 && at(first - 1) >= 0.5) --first;
  if (first == log_snrs.size()) return std::numeric_limits<double>::quiet_NaN();
  if (first == 0) return log_snrs.front();
  const double below = at(first - 1), above = at(first);
  return std::lerp(log_snrs[first - 1], log_snrs[first], (0.5 - below) / (above - below));
}

}  // namespace

Tensor band_spectrum(const Tensor& pictures, int64_t bands) {
  check_shape("explain.band_spectrum", "pictures", pictures, {-1, -1, -1, -1});
  if (pictures.size(0) < 2) {
    throw ValueError("[explain.band_spectrum] expected at least 2 pictures, got " +
                     std::to_string(pictures.size(0)));
  }
  const Tensor sizes = band_sizes(pictures.size(2), pictures.size(3), bands);
  const auto freedom = static_cast<double>((pictures.size(0) - 1) * pictures.size(1));
  return total_energy(about_their_mean(pictures), bands) / (sizes * freedom);
}

Tensor predicted_emergence(const Tensor& spectrum) { return -spectrum.log(); }

SpectralEmergence spectral_emergence(const std::vector<SamplerStep>& steps, const Tensor& pictures,
                                     int64_t bands) {
  const torch::NoGradGuard no_grad;
  if (steps.size() < 2 || pictures.dim() != 4 || pictures.size(0) < 2) {
    throw ValueError("[explain.spectral_emergence] expected at least 2 steps and 2 pictures, got " +
                     std::to_string(steps.size()) + " steps of " + describe_tensor(pictures));
  }
  band_sizes(pictures.size(2), pictures.size(3), bands);
  const Tensor shown = about_their_mean(pictures);
  SpectralEmergence out;
  std::vector<Tensor> coherence;
  for (const SamplerStep& step : steps) {
    const Tensor& estimate = step.prediction.denoised;
    if (!estimate.defined()) {
      throw ValueError("[explain.spectral_emergence] expected steps that keep the estimate");
    }
    check_shape("explain.spectral_emergence", "estimate", estimate,
                {pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
    out.log_snrs.push_back(log_snr_of(step.sigma));
    coherence.push_back(squared_coherence(about_their_mean(estimate), shown, bands));
  }
  out.coherence = torch::stack(coherence);
  std::vector<double> measured;
  for (int64_t band = 0; band < bands; ++band) {
    measured.push_back(emergence_of(out.coherence.select(1, band), out.log_snrs));
  }
  out.measured = torch::tensor(measured, torch::kFloat64);
  return out;
}

}  // namespace noisescope
