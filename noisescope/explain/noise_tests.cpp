#include "noisescope/explain/noise_tests.h"

#include <cmath>

#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_fftfreq.h>
#include <ATen/ops/special_erfc.h>
#include <ATen/ops/special_gammainc.h>
#include <ATen/ops/special_gammaincc.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/stats/multiple_testing.h"

namespace noisescope::explain {
namespace {

/// Two-sided p-value of a standard normal statistic.
Tensor normal_p(const Tensor& z) { return at::special_erfc(z.abs() / std::sqrt(2.0)); }

/// Upper tail of chi-squared.
Tensor chi_squared_tail(const Tensor& statistic, double degrees) {
  return at::special_gammaincc(torch::full_like(statistic, degrees / 2), statistic / 2);
}

/// Two-sided p-value of a chi-squared statistic.
Tensor chi_squared_p(const Tensor& statistic, double degrees) {
  const Tensor upper = chi_squared_tail(statistic, degrees);
  const Tensor lower = at::special_gammainc(torch::full_like(statistic, degrees / 2), statistic / 2);
  return (2 * torch::minimum(upper, lower)).clamp_max(1);
}

Tensor sum_of_products(const Tensor& a, const Tensor& b) {
  return (a * b).sum({1, 2, 3}) / std::sqrt(static_cast<double>(a[0].numel()));
}

Tensor channel_p(const Tensor& x) {
  const int64_t channels = x.size(1);
  const auto pixels = static_cast<double>(x.size(2) * x.size(3));
  Tensor statistic = torch::zeros({x.size(0)}, torch::kFloat64);
  for (int64_t a = 0; a < channels; ++a) {
    for (int64_t b = a + 1; b < channels; ++b) {
      statistic += ((x.select(1, a) * x.select(1, b)).sum({1, 2}).square() / pixels);
    }
  }
  return chi_squared_tail(statistic, static_cast<double>(channels * (channels - 1) / 2));
}

/// The band is closed under conjugation: chi-squared with one degree a coefficient.
Tensor frequency_p(const Tensor& x, double from, double to) {
  const BandEnergy band = band_energy(x, from, to);
  return chi_squared_p(band.energy, band.degrees);
}

}  // namespace

BandEnergy band_energy(const Tensor& noise, double from, double to) {
  check_shape("explain.band_energy", "noise", noise, {-1, -1, -1, -1});
  const Tensor x = noise.to(torch::kCPU, torch::kFloat64);
  const auto pixels = static_cast<double>(x.size(2) * x.size(3));
  const Tensor power = at::fft_fft2(x).abs().square() / pixels;
  const Tensor fy = at::fft_fftfreq(x.size(2), 1.0, torch::kFloat64).unsqueeze(1);
  const Tensor fx = at::fft_fftfreq(x.size(3), 1.0, torch::kFloat64).unsqueeze(0);
  const Tensor radius = (fy.square() + fx.square()).sqrt() / std::sqrt(0.5);
  const Tensor inside = ((radius >= from) & (radius < to)).to(torch::kFloat64);
  return {(power * inside).sum({1, 2, 3}), inside.sum().item<double>() * static_cast<double>(x.size(1))};
}

NoiseTests test_noise(const Tensor& noise) {
  check_shape("explain.test_noise", "noise", noise, {-1, -1, -1, -1});
  const int64_t H = noise.size(2), W = noise.size(3);
  if (noise.size(0) < 1 || H < 4 || W < 4) {
    throw ValueError("[explain.test_noise] expected pictures of at least 4x4 pixels, got " + describe_tensor(noise));
  }
  const Tensor x = noise.to(torch::kCPU, torch::kFloat64);
  const auto n = static_cast<double>(x[0].numel());
  NoiseTests tests;
  std::vector<Tensor> columns;
  const auto add = [&](const char* name, const Tensor& p) {
    tests.names.emplace_back(name);
    columns.push_back(p);
  };
  add("mean", normal_p(x.sum({1, 2, 3}) / std::sqrt(n)));
  add("variance", chi_squared_p(x.square().sum({1, 2, 3}), n));
  add("skewness", normal_p(x.pow(3).sum({1, 2, 3}) / std::sqrt(15 * n)));
  add("horizontal", normal_p(sum_of_products(x.slice(3, 0, W - 1), x.slice(3, 1))));
  add("vertical", normal_p(sum_of_products(x.slice(2, 0, H - 1), x.slice(2, 1))));
  if (x.size(1) >= 2) add("channels", channel_p(x));
  add("low_frequency", frequency_p(x, 0, 0.25));
  add("high_frequency", frequency_p(x, 0.75, 1.1));
  tests.p = torch::stack(columns, 1);
  const Tensor fisher = -2 * tests.p.clamp_min(1e-300).log().sum(0);
  tests.combined = chi_squared_tail(fisher, 2 * static_cast<double>(x.size(0)));
  tests.corrected = holm(tests.combined);
  return tests;
}

void describe(AnswerDescriber& d, const NoiseTests& a) {
  d("names", a.names, "test", "", "the tests");
  d("corrected", a.corrected, "test", "p-value", "all pictures together, corrected for the number of tests (Holm)",
    {.names = "names"});
  d("combined", a.combined, "test", "p-value", "all pictures together (Fisher)", {.names = "names"});
  d("p", a.p, "picture test", "p-value", "each picture alone; uniform for noise");
}

void describe(AnswerDescriber& d, const NoiseOfTrajectory& a) {
  d("names", a.first.names, "test", "", "the tests");
  d("first_noise", a.first.corrected, "test", "p-value", "of the first noise, corrected (Holm)", {.names = "names"});
  if (a.injected) {
    d("injected_noise", a.injected->corrected, "test", "p-value", "of the injected noise, corrected (Holm)",
      {.names = "names"});
  }
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels of the steps");
  d("predicted_size", a.predicted_size, "step picture", "", "root mean square of the noise predicted with prompt",
    {.x = "log_snrs", .null = 1});
  d("predicted_size_unprompted", a.predicted_size_unprompted, "step picture", "", "the same without prompt",
    {.x = "log_snrs", .null = 1});
}

namespace {

struct NoOptions {};
void describe(Describer&, NoOptions&) {}

/// All noise that the trajectory injected: it is addressed, so it can be drawn again.
Tensor injected_noise(const Trajectory& trajectory) {
  std::vector<Tensor> steps;
  for (int64_t i = 0; i + 1 < trajectory.sampling().steps(); ++i) {
    steps.push_back(trajectory.noise().step(static_cast<uint64_t>(i), trajectory.image_shape()));
  }
  return torch::cat(steps);
}

/// Root mean square of the predicted noise, [S, B].
Tensor predicted_size(const std::vector<SamplerStep>& steps, Tensor Prediction::*branch) {
  std::vector<Tensor> sizes;
  for (const SamplerStep& step : steps) {
    const Tensor eps = (step.x - step.prediction.*branch) / step.sigma;
    sizes.push_back(eps.to(torch::kFloat64).square().mean({1, 2, 3}).sqrt());
  }
  return torch::stack(sizes);
}

NoiseOfTrajectory ask_noise(const Subject& subject, const NoOptions&, const Control& control) {
  const std::vector<SamplerStep>& steps = subject.trajectory.steps(control);
  NoiseOfTrajectory out;
  for (const SamplerStep& step : steps) out.log_snrs.push_back(log_snr_of(step.sigma));
  out.first = test_noise(steps.front().x / steps.front().sigma);
  if (injects_noise(subject.sample.sampler)) out.injected = test_noise(injected_noise(subject.trajectory));
  out.predicted_size = predicted_size(steps, &Prediction::conditional);
  out.predicted_size_unprompted = predicted_size(steps, &Prediction::unconditional);
  return out;
}

}  // namespace

Method noise_tests_method() {
  return method("noise_tests", "Is the noise noise?", {.trajectory = true, .branches = true}, free_of_cost<NoOptions>,
                ask_noise);
}

}  // namespace noisescope::explain
