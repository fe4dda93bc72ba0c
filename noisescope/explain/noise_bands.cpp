#include "noisescope/explain/noise_bands.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/noise_tests.h"

namespace noisescope::explain {
namespace {

/// Mean energy of a coefficient in each band, [B, R].
Tensor energy_of(const Tensor& noise, int64_t bands) {
  std::vector<Tensor> columns;
  for (int64_t r = 0; r < bands; ++r) {
    constexpr double kBeyondCorner = 1.1;
    const auto edge = [&](int64_t k) { return static_cast<double>(k) / static_cast<double>(bands); };
    const BandEnergy band = band_energy(noise, edge(r), r + 1 == bands ? kBeyondCorner : edge(r + 1));
    if (!(band.degrees > 0)) {
      throw ValueError(
          format_text("[explain.noise_bands] expected bands that hold a frequency, got an empty one of {}", bands));
    }
    columns.push_back(band.energy / band.degrees);
  }
  return torch::stack(columns, 1);
}

/// [S, B, R] of one branch; undefined where a step lacks it.
Tensor branch_energy(const std::vector<SamplerStep>& steps, Tensor Prediction::*branch, int64_t bands) {
  std::vector<Tensor> rows;
  for (const SamplerStep& step : steps) {
    if (!(step.prediction.*branch).defined()) return {};
    rows.push_back(energy_of((step.x - step.prediction.*branch) / step.sigma, bands));
  }
  return torch::stack(rows);
}

}  // namespace

NoiseBands noise_bands(const std::vector<SamplerStep>& steps, int64_t bands) {
  const bool known = std::all_of(steps.begin(), steps.end(), [](const SamplerStep& step) { return step.x.defined(); });
  if (steps.empty() || !known || bands < 1) {
    throw ValueError(format_text(
        "[explain.noise_bands] expected recorded noisy images and at least 1 band, got {} steps and {} bands; record x",
        steps.size(), bands));
  }
  NoiseBands out;
  for (const SamplerStep& step : steps) out.log_snrs.push_back(log_snr_of(step.sigma));
  out.energy = branch_energy(steps, &Prediction::conditional, bands);
  out.energy_unprompted = branch_energy(steps, &Prediction::unconditional, bands);
  if (out.energy.defined() || out.energy_unprompted.defined()) return out;
  throw ValueError("[explain.noise_bands] expected the estimates with or without prompt at every step, got neither");
}

void describe(Describer& d, NoiseBandsOptions& options) {
  d("bands", options.bands, "bands of radial frequency", {.min = 1, .max = 1000});
}

void describe(AnswerDescriber& d, const NoiseBands& a) {
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels of the steps");
  d("energy", a.energy, "step picture band", "", "mean energy of a coefficient of the noise predicted with prompt",
    {.x = "log_snrs", .null = 1, .higher = "more like noise"});
  d("energy_unprompted", a.energy_unprompted, "step picture band", "", "the same without prompt",
    {.x = "log_snrs", .null = 1, .higher = "more like noise"});
}

namespace {

NoiseBands ask_noise_bands(const Subject& subject, const NoiseBandsOptions& options, const Control& control) {
  return noise_bands(subject.trajectory.steps(control), options.bands);
}

}  // namespace

Method noise_bands_method() {
  return method("noise_bands", "In which spatial frequencies is the predicted noise smaller than noise?",
                {.trajectory = true, .branches = true}, free_of_cost<NoiseBandsOptions>, ask_noise_bands);
}

}  // namespace noisescope::explain
