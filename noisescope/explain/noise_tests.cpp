#include "noisescope/explain/noise_tests.h"

#include <cmath>

#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_fftfreq.h>
#include <ATen/ops/special_erfc.h>
#include <ATen/ops/special_gammainc.h>
#include <ATen/ops/special_gammaincc.h>

#include "noisescope/core/error.h"
#include "noisescope/stats/multiple_testing.h"

namespace noisescope {
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
  const Tensor lower =
      at::special_gammainc(torch::full_like(statistic, degrees / 2), statistic / 2);
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
  return {(power * inside).sum({1, 2, 3}),
          inside.sum().item<double>() * static_cast<double>(x.size(1))};
}

NoiseTests test_noise(const Tensor& noise) {
  check_shape("explain.test_noise", "noise", noise, {-1, -1, -1, -1});
  const int64_t H = noise.size(2), W = noise.size(3);
  if (noise.size(0) < 1 || H < 4 || W < 4) {
    throw ValueError("[explain.test_noise] expected pictures of at least 4x4 pixels, got " +
                     describe_tensor(noise));
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

}  // namespace noisescope
