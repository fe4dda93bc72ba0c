// A network as diffusion sees it, and preconditioners that turn one into a denoiser.
#pragma once

#include <array>
#include <functional>
#include <utility>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/denoiser.h"

namespace noisescope {

/// F(x_in, noise_label, condition): x_in [B, C, H, W] scaled to about unit variance,
/// noise_label [B] (a smooth function of sigma), condition [B, D] -> [B, C, H, W].
using Network =
    std::function<Tensor(const Tensor& x, const Tensor& noise_label, const Tensor& condition)>;

/// What the raw network output means.
enum class Parametrization { edm, eps, v, x0 };

constexpr std::array<std::pair<Parametrization, const char*>, 4> enum_names(Parametrization) {
  return {{{Parametrization::edm, "edm"},
           {Parametrization::eps, "eps"},
           {Parametrization::v, "v"},
           {Parametrization::x0, "x0"}}};
}

}  // namespace noisescope
