// A network as diffusion sees it, and preconditioners that turn one into a denoiser.
#pragma once

#include <functional>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/denoiser.h"

namespace noisescope::diffusion {

/// F(x_in, noise_label, condition): x_in [B, C, H, W] scaled to about unit variance,
/// noise_label [B] (a smooth function of sigma), condition [B, D] -> [B, C, H, W].
using Network = std::function<Tensor(const Tensor& x, const Tensor& noise_label, const Tensor& condition)>;

/// What the raw network output means.
enum class Parametrization { edm, eps, v, x0 };
NOISESCOPE_ENUM(Parametrization, edm, eps, v, x0)

}  // namespace noisescope::diffusion
