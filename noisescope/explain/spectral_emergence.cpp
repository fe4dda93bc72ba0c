#include "noisescope/explain/spectral_emergence.h"

#include <cmath>
#include <limits>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
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
    throw ValueError(format_text(
        "[explain.band_spectrum] expected bands that hold coefficients, got {} of them for {} x {} pixels; use fewer",
        bands, height, width));
  }
  return sizes;
}

/// <a, b>, |a|^2 and |b|^2 of each picture in each band, [3, R, B].
Tensor band_products(const Tensor& a, const Tensor& b, int64_t bands) {
  const Tensor inner = (band_energy(a + b, bands) - band_energy(a - b, bands)) / 4;
  return torch::stack({inner, band_energy(a, bands), band_energy(b, bands)}).transpose(1, 2);
}

/// Squared coherence <a, b>^2 / (|a|^2 |b|^2) over all pictures of products [3, ..., B].
Tensor squared_coherence(const Tensor& products) {
  const Tensor sums = products.sum(-1), sizes = sums[1] * sums[2];
  return torch::where(sizes > 0, sums[0].square() / sizes, torch::zeros_like(sizes));
}

/// Where `curve` [S] comes to stay above one half.
double emergence_of(const Tensor& curve, const std::vector<double>& log_snrs) {
  const auto values = curve.accessor<double, 1>();
  const auto at = [&](size_t i) { return values[static_cast<int64_t>(i)]; };
  size_t first = log_snrs.size();
  while (first > 0 && at(first - 1) >= 0.5) --first;
  if (first == log_snrs.size()) return std::numeric_limits<double>::infinity();
  if (first == 0) return log_snrs.front();
  const double below = at(first - 1), above = at(first);
  return std::lerp(log_snrs[first - 1], log_snrs[first], (0.5 - below) / (above - below));
}

}  // namespace

Tensor band_spectrum(const Tensor& pictures, int64_t bands) {
  check_shape("explain.band_spectrum", "pictures", pictures, {-1, -1, -1, -1});
  if (pictures.size(0) < 2) {
    throw ValueError(format_text("[explain.band_spectrum] expected at least 2 pictures, got {}", pictures.size(0)));
  }
  const Tensor sizes = band_sizes(pictures.size(2), pictures.size(3), bands);
  const auto freedom = static_cast<double>((pictures.size(0) - 1) * pictures.size(1));
  return band_energy(about_their_mean(pictures), bands).sum(0) / (sizes * freedom);
}

double SpectralEmergence::emergence(int64_t band, const Tensor& rows) const {
  return emergence_of(squared_coherence(products.select(2, band).index_select(2, rows)), log_snrs);
}

Tensor predicted_emergence(const Tensor& spectrum) { return -spectrum.log(); }

SpectralEmergence spectral_emergence(const std::vector<SamplerStep>& steps, const Tensor& pictures, int64_t bands) {
  const torch::NoGradGuard no_grad;
  if (steps.size() < 2 || pictures.dim() != 4 || pictures.size(0) < 2) {
    throw ValueError(
        format_text("[explain.spectral_emergence] expected at least 2 steps and 2 pictures, got {} steps of {}",
                    steps.size(), describe_tensor(pictures)));
  }
  band_sizes(pictures.size(2), pictures.size(3), bands);
  const Tensor shown = about_their_mean(pictures);
  SpectralEmergence out;
  std::vector<Tensor> products;
  for (const SamplerStep& step : steps) {
    const Tensor& estimate = step.prediction.denoised;
    if (!estimate.defined()) {
      throw ValueError("[explain.spectral_emergence] expected steps that keep the estimate");
    }
    check_shape("explain.spectral_emergence", "estimate", estimate,
                {pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
    out.log_snrs.push_back(log_snr_of(step.sigma));
    products.push_back(band_products(about_their_mean(estimate), shown, bands));
  }
  out.products = torch::stack(products, 1);
  out.coherence = squared_coherence(out.products);
  std::vector<double> measured;
  for (int64_t band = 0; band < bands; ++band) {
    measured.push_back(emergence_of(out.coherence.select(1, band), out.log_snrs));
  }
  out.measured = torch::tensor(measured, torch::kFloat64);
  return out;
}

void describe(AnswerDescriber& d, const SpectralEmergence& a) {
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels");
  d("coherence", a.coherence, "step band", "", "squared coherence of estimate and picture",
    {.x = "log_snrs", .null = 0});
  d("measured", a.measured, "band", "log-SNR", "from which the coherence stays above 1/2; infinity: never");
}

void describe(AnswerDescriber& d, const EmergenceOfPictures& a) {
  describe(d, a.found);
  d("spectrum", a.spectrum, "band", "pixel units squared", "variance of a coefficient");
  d(
      "predicted", [&] { return predicted_emergence(a.spectrum); }, "band", "log-SNR",
      "at which the SNR of a band is 1");
}

void describe(Describer& d, SpectralEmergenceOptions& options) {
  d("bands", options.bands, "bands of radial frequency", {.min = 1, .max = 1000});
  d("steps", options.steps, "noise levels of a path, less one", {.min = 2, .max = 100000});
  d("log_snr_min", options.log_snr_min, "first level", {.min = -30, .max = 30});
  d("log_snr_max", options.log_snr_max, "last level", {.min = -30, .max = 30});
}

namespace {

EmergenceOfPictures ask_emergence(const Subject& subject, const SpectralEmergenceOptions& options,
                                  const Control& control) {
  const Tensor pictures = subject.trajectory.pictures(control);
  const int64_t count = pictures.size(0);
  const Tensor condition = subject.condition(count);
  EvidenceOptions levels;
  levels.steps = options.steps;
  levels.log_snr_min = options.log_snr_min;
  levels.log_snr_max = std::min(options.log_snr_max, subject.model.log_snr_max);
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false}};
  observe_noising_path(guide(subject.model.denoiser, condition, condition, {.scale = 1, .clamp = 0}),
                       {pictures, subject.noise(count)}, levels, recorder.observer(), control);
  return {spectral_emergence(recorder.steps(), pictures.cpu(), options.bands),
          band_spectrum(pictures.cpu(), options.bands)};
}

int64_t emergence_cost(const Subject& subject, const SpectralEmergenceOptions& options) {
  return (options.steps + 1) * subject.trajectory.count();
}

}  // namespace

Method spectral_emergence_method() {
  return method("spectral_emergence", "When does each spatial frequency come out of the noise?", {.trajectory = true},
                emergence_cost, ask_emergence);
}

}  // namespace noisescope::explain
