// The contract everything else stands on: a denoiser is a function.
//
// Noise is variance exploding throughout: x = x_0 + sigma * eps, eps ~ N(0, I). Discrete DDPM
// (x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps) is the same process seen through
// sigma_t = sqrt((1 - abar_t) / abar_t) and the scale sqrt(abar_t) (schedule.h), so DDPM and EDM
// share one code path. log-SNR = -2 ln sigma.
#pragma once

#include <functional>

#include "noisescope/core/tensor.h"

namespace noisescope::diffusion {

/// D(x, sigma, condition): estimate of the clean image E[x_0 | x, condition].
///   x          [B, C, H, W]  noisy images, any floating dtype
///   sigma      [B]           noise levels > 0, dtype of x
///   condition  [B, D]        one row per sample; what it means belongs to the model: a whitened
///                            text embedding for a network, weights over scenes for the exact world
///   returns    [B, C, H, W]  dtype of x
/// The null condition (no prompt) is an ordinary row that the model defines.
/// Contract of Karras et al. 2022 (arXiv:2206.00364), eq. 2-3, as k-diffusion made it known.
using Denoiser = std::function<Tensor(const Tensor& x, const Tensor& sigma, const Tensor& condition)>;

/// eps-hat = (x - x0) / sigma: the noise that a clean estimate implies. `sigma` is [B].
inline Tensor noise_of(const Tensor& x, const Tensor& denoised, const Tensor& sigma) {
  return (x - denoised) / per_sample(sigma, x.dim());
}

}  // namespace noisescope::diffusion
