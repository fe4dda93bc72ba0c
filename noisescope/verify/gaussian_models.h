// Gaussian pictures: their denoisers are linear, so that what a method says of them has a closed form.
#pragma once

#include "noisescope/model/model.h"

namespace noisescope::verify {

/// Independent pixels N(0, variance), whatever the prompt.
Model gaussian_pixels(double variance);

/// Stationary pictures whose mean and spectrum the prompt sets: every frequency is a Gaussian number of its own.
struct GaussianPrompt {
  Tensor mean_c, mean_u;          // [side, side], with the prompt and without
  Tensor spectrum_c, spectrum_u;  // [side, side] variances of the frequencies, in the order of fft2

  int64_t side() const { return mean_c.size(0); }
  /// Covariance [N, N] of the pixels that have a spectrum.
  static Tensor covariance(const Tensor& spectrum);
  /// Any prompt but "" is the prompt.
  Model model() const;
};

/// Distance of each frequency from 0 in units of that at the corner, [side, side].
Tensor frequency_radius(int64_t side);

/// Sums of [B, side, side] over `bands` equal bands of that distance, [B, bands].
Tensor sums_in_bands(const Tensor& of_frequencies, int64_t bands);

}  // namespace noisescope::verify
