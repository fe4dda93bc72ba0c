// When does each spatial frequency come out of the noise? Predicted from the data's spectrum, and
// measured on what the denoiser says.
//
// A coefficient of variance S under noise sigma has SNR = S / sigma^2, which is 1 at log-SNR = -ln
// S. For Gaussian data and a noising path the clean estimate is S / (S + sigma^2) x, whose squared
// coherence with the picture is S / (S + sigma^2): one half at the same level. Pictures with
// falling spectra therefore emerge from coarse to fine (Dieleman 2024, "Diffusion is spectral
// autoregression"). The order belongs to the data and to white noise, not to the denoiser: with a
// flat spectrum it vanishes (Falck et al. 2025, arXiv:2505.11278).
#pragma once

#include <vector>

#include "noisescope/diffusion/sampler.h"

namespace noisescope::explain {

class AnswerDescriber;

/// R radial bands as in band_energy (guidance_anatomy.h); S steps, B pictures. float64 on the CPU.
struct SpectralEmergence {
  std::vector<double> log_snrs;  // [S]
  Tensor products;               // [3, S, R, B]: <estimate, picture>, |estimate|^2 and |picture|^2 in each band, about
                                 // the means over all pictures
  Tensor coherence;              // [S, R]: squared coherence of estimate and picture, 0 .. 1; independent of their
                                 // sizes
  Tensor measured;               // [R]: first log-SNR from which the coherence stays above 1/2, linear between steps;
                                 // infinity where it ends below, the first step's where it starts above

  /// `measured` of a band, of the pictures `rows` [n] int64 alone: the statistic that stats/bootstrap.h
  /// takes for an interval over pictures.
  double emergence(int64_t band, const Tensor& rows) const;
};

/// Variance of a coefficient in each band, about the mean over pictures [B, C, H, W]: [R] float64,
/// pixel units squared; white noise of variance v gives v. Throws ValueError for B < 2, for bands <
/// 1 and for so many bands that one is empty.
Tensor band_spectrum(const Tensor& pictures, int64_t bands);

/// log-SNR at which the SNR of each band is 1: -ln spectrum. [R].
Tensor predicted_emergence(const Tensor& spectrum);

/// `steps`: a recorded run of at least 2 pictures, the more the better, from noise to `pictures`
/// [B, C, H, W] (observe_noising_path, or a stochastic sampler; estimates alone are read). Not for
/// deterministic runs: Gaussian data are fully coherent there from the first step on.
/// No evaluations. Throws ValueError for fewer than 2 steps, steps without estimate, bands as
/// above.
SpectralEmergence spectral_emergence(const std::vector<SamplerStep>& steps, const Tensor& pictures, int64_t bands);

void describe(AnswerDescriber& d, const SpectralEmergence& answer);

/// Along noising paths of the trajectory's pictures, under their prompt.
struct SpectralEmergenceOptions {
  int64_t bands = 6;
  int64_t steps = 32;
  double log_snr_min = -8;
  double log_snr_max = 5;
};
void describe(Describer& d, SpectralEmergenceOptions& options);

struct EmergenceOfPictures {
  SpectralEmergence found;
  Tensor spectrum;  // [R]
};
void describe(AnswerDescriber& d, const EmergenceOfPictures& answer);

}  // namespace noisescope::explain
