// Classifier-free guidance over a denoiser.
#pragma once

#include <limits>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/denoiser.h"

namespace noisescope::diffusion {

/// What one network evaluation said: the combined estimate that the solver uses, and its branches.
/// A branch that was not evaluated is an undefined tensor. All [B, C, H, W], estimates of x_0.
struct Prediction {
  Tensor denoised;
  Tensor conditional;
  Tensor unconditional;
};

/// predict(x, sigma): `sigma` [B]; the condition is bound inside.
using Predictor = std::function<Prediction(const Tensor& x, const Tensor& sigma)>;

/// Ho & Salimans 2022 (arXiv:2207.12598) in the convention D = D_u + s (D_c - D_u):
/// s = 1 is no guidance, s = 0 no prompt, w = s - 1 is the weight of that paper.
struct GuidanceOptions {
  double scale = 1.0;
  double sigma_min = 0.0;  // guidance acts for sigma in [sigma_min, sigma_max] (arXiv:2404.07724)
  double sigma_max = std::numeric_limits<double>::infinity();
  double rescale = 0.0;        // phi of arXiv:2305.08891, eq. 15-16, on estimates of x_0; 0 = off
  double clamp = 1.0;          // `denoised` is clamped to [-clamp, clamp], the branches are not; 0 = off
  bool both_branches = false;  // evaluate the null branch even where s = 1 or outside the interval
};
void describe(Describer& d, GuidanceOptions& options);

/// Binds denoiser, condition and guidance. Both branches go through one batched pass.
///   condition       [B, D]
///   null_condition  [B, D]: the null condition, or a negative prompt
/// Where s = 1 or sigma is outside the interval the second branch is not evaluated, unless
/// options.both_branches; then `denoised` is the conditional estimate.
/// Throws ValueError for options out of range, ShapeError for conditions that do not fit.
Predictor guide(Denoiser denoiser, Tensor condition, Tensor null_condition, const GuidanceOptions& options);

}  // namespace noisescope::diffusion
