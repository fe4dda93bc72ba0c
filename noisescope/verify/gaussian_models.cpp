#include "noisescope/verify/gaussian_models.h"

#include <cmath>

#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_fftfreq.h>
#include <ATen/ops/fft_ifft2.h>

namespace noisescope::verify {

Model gaussian_pixels(double variance) {
  Model model;
  model.name = "exact Gaussian";
  model.denoiser = [variance](const Tensor& x, const Tensor& sigma, const Tensor&) {
    return x * per_sample(variance / (variance + sigma.square()));
  };
  model.condition = [](const std::vector<std::string>& prompts) {
    return torch::zeros({static_cast<int64_t>(prompts.size()), 1}, torch::kFloat64);
  };
  return model;
}

Tensor frequency_radius(int64_t side) {
  const Tensor f = at::fft_fftfreq(side, 1.0, torch::dtype(torch::kFloat64));
  return (f.unsqueeze(1).square() + f.unsqueeze(0).square()).sqrt() / std::sqrt(0.5);
}

Tensor sums_in_bands(const Tensor& of_frequencies, int64_t bands) {
  const Tensor radius = frequency_radius(of_frequencies.size(-1)) * static_cast<double>(bands);
  const Tensor band = radius.floor().clamp_max(static_cast<double>(bands) - 1);
  std::vector<Tensor> sums;
  for (int64_t r = 0; r < bands; ++r) sums.push_back((of_frequencies * (band == r)).sum({1, 2}));
  return torch::stack(sums, 1);
}

Tensor GaussianPrompt::covariance(const Tensor& spectrum) {
  const int64_t side = spectrum.size(0);
  const Tensor impulses = torch::eye(side * side, torch::kFloat64).view({-1, side, side});
  return torch::real(at::fft_ifft2(at::fft_fft2(impulses) * spectrum)).flatten(1);
}

Model GaussianPrompt::model() const {
  Model model;
  model.name = "exact Gaussian";
  model.image_shape = {1, side(), side()};
  model.condition = [](const std::vector<std::string>& prompts) {
    std::vector<double> prompted;
    for (const std::string& prompt : prompts) prompted.push_back(prompt.empty() ? 0 : 1);
    return torch::tensor(prompted, torch::kFloat64).unsqueeze(1);
  };
  // Row by row: S / (S + sigma^2) of the noise about the mean, frequency by frequency.
  model.denoiser = [data = *this](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor prompted = condition.select(1, 0).view({-1, 1, 1, 1}) > 0.5;
    const Tensor mean = torch::where(prompted, data.mean_c, data.mean_u);
    const Tensor spectrum = torch::where(prompted, data.spectrum_c, data.spectrum_u);
    const Tensor shrink = spectrum / (spectrum + per_sample(sigma).square());
    return mean + torch::real(at::fft_ifft2(shrink * at::fft_fft2(x - mean)));
  };
  return model;
}

}  // namespace noisescope::verify
