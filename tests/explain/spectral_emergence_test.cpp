#include "noisescope/explain/spectral_emergence.h"

#include <cmath>
#include <limits>

#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_fftfreq.h>
#include <ATen/ops/fft_ifft2.h>
#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/inversion.h"

namespace noisescope {
namespace {

constexpr int64_t kSpectrumSide = 16;

/// Stationary Gaussian pictures whose coefficients have the variance 1 / (1 + f / 2)^power, with
/// their exact denoiser: every coefficient shrinks by S / (S + sigma^2).
struct Stationary {
  Tensor spectrum;  // [H, W]

  explicit Stationary(double power) {
    const Tensor f = at::fft_fftfreq(kSpectrumSide, 1.0 / kSpectrumSide, torch::dtype(torch::kDouble));
    const Tensor radius = (f.unsqueeze(1).square() + f.unsqueeze(0).square()).sqrt();
    spectrum = (1 + radius / 2).pow(-power);
  }
  static Tensor filter(const Tensor& pictures, const Tensor& gain) {
    return torch::real(at::fft_ifft2(at::fft_fft2(pictures) * gain));
  }
  Tensor sample(uint64_t seed, int64_t count) const {
    return 0.3 + filter(Random(seed).normal(Purpose::scene, 0, sample_range(0, count),
                                            {1, kSpectrumSide, kSpectrumSide}, torch::kDouble),
                        spectrum.sqrt());
  }
  std::vector<SamplerStep> noising_path(const Tensor& pictures) const {
    const Predictor predict = [this](const Tensor& x, const Tensor& sigma) {
      const Tensor s2 = per_sample(sigma).square();
      return Prediction{0.3 + filter(x - 0.3, spectrum / (spectrum + s2)), {}, {}};
    };
    TrajectoryRecorder recorder{RecorderOptions{}};
    observe_noising_path(predict, {pictures, {Random(9), sample_range(0, pictures.size(0))}},
                         {.steps = 60, .log_snr_min = -6, .log_snr_max = 12}, recorder.observer());
    return recorder.steps();
  }
};

TEST(BandSpectrum, IsTheVarianceOfACoefficient) {
  const Tensor white = 2 * Random(1).normal(Purpose::explain, 0, sample_range(0, 400), {3, 16, 16}, torch::kDouble);
  EXPECT_LT((band_spectrum(white + 5, 6) / 4 - 1).abs().max().item<double>(), 0.05);
}

// Squared coherence of a Wiener estimate with the picture: S / (S + sigma^2), one half at SNR = 1.
TEST(SpectralEmergence, MeetsTheGaussianClosedForm) {
  const Stationary data(4);
  const Tensor pictures = data.sample(2, 400);
  const SpectralEmergence found = spectral_emergence(data.noising_path(pictures), pictures, 8);
  const Tensor predicted = predicted_emergence(band_spectrum(data.sample(3, 400), 8));
  EXPECT_LT((found.measured - predicted).abs().max().item<double>(), 0.3);
  EXPECT_GT(predicted[7].item<double>() - predicted[0].item<double>(), 5);
  const double snr = std::exp(found.log_snrs[20]);
  const double s = 1 / std::exp(predicted[4].item<double>());
  EXPECT_NEAR(found.coherence[20][4].item<double>(), s * snr / (s * snr + 1), 0.05);
}

// Falck et al. 2025: nothing comes first.
TEST(SpectralEmergence, AFlatSpectrumEmergesAtOnce) {
  const Stationary data(0);
  const Tensor pictures = data.sample(4, 400);
  const Tensor measured = spectral_emergence(data.noising_path(pictures), pictures, 8).measured;
  EXPECT_LT(measured.abs().max().item<double>(), 0.15);
}

/// A run with these estimates at log-SNR 0, 1, 2, ...
std::vector<SamplerStep> steps_of(const std::vector<Tensor>& estimates) {
  std::vector<SamplerStep> steps(estimates.size());
  for (size_t i = 0; i < estimates.size(); ++i) {
    steps[i].sigma = std::exp(-0.5 * double(i));
    steps[i].prediction.denoised = estimates[i];
  }
  return steps;
}

TEST(SpectralEmergence, CountsFromWhereTheCoherenceStays) {
  const Tensor pictures = Random(5).normal(Purpose::explain, 0, {0, 1, 2}, {1, 8, 8}, torch::kDouble);
  const Tensor other = Random(6).normal(Purpose::explain, 0, {0, 1, 2}, {1, 8, 8}, torch::kDouble);
  const auto run = [&](const std::vector<Tensor>& estimates) {
    return spectral_emergence(steps_of(estimates), pictures, 1).measured.item<double>();
  };
  EXPECT_GT(run({pictures, other, 3 * pictures}), 1.0);  // lost again at log-SNR 1
  EXPECT_LT(run({pictures, other, 3 * pictures}), 2.0);
  EXPECT_EQ(run({pictures, pictures}), 0.0);
  EXPECT_EQ(run({pictures, other}), std::numeric_limits<double>::infinity());
}

// Every picture stands beside its negative, so that pairs have the mean of all.
TEST(SpectralEmergence, OfSomePicturesIsThatOfTheirOwnRun) {
  const Tensor half = Random(5).normal(Purpose::explain, 0, sample_range(0, 4), {1, 8, 8}, torch::kDouble);
  const Tensor blur = Random(6).normal(Purpose::explain, 0, sample_range(0, 4), {1, 8, 8}, torch::kDouble);
  const Tensor pictures = torch::cat({half, -half}), other = torch::cat({blur, -blur});
  const auto found = [&](const Tensor& rows) {
    const Tensor shown = pictures.index_select(0, rows), noise = other.index_select(0, rows);
    return spectral_emergence(steps_of({noise, shown + 2 * noise, 2 * shown + noise}), shown, 3);
  };
  const SpectralEmergence all = found(torch::arange(8));
  const Tensor pairs = torch::tensor({0, 3, 4, 7});
  for (int64_t band = 0; band < 3; ++band) {
    EXPECT_NEAR(all.emergence(band, pairs), found(pairs).measured[band].item<double>(), 1e-12);
    EXPECT_NE(all.emergence(band, pairs), all.measured[band].item<double>());
  }
}

TEST(SpectralEmergence, RefusesBadInput) {
  const Tensor pictures = torch::randn({2, 1, 8, 8});
  SamplerStep step;
  step.sigma = 1;
  EXPECT_THROW(spectral_emergence({step, step}, pictures, 4), ValueError);
  step.prediction.denoised = pictures;
  EXPECT_THROW(spectral_emergence({step}, pictures, 4), ValueError);
  EXPECT_THROW(spectral_emergence({step, step}, pictures.slice(0, 0, 1), 4), ValueError);
  EXPECT_THROW(spectral_emergence({step, step}, pictures, 0), ValueError);
  EXPECT_THROW(spectral_emergence({step, step}, pictures, 40), ValueError);
  EXPECT_THROW(band_spectrum(pictures.slice(0, 0, 1), 4), ValueError);
}

}  // namespace
}  // namespace noisescope
