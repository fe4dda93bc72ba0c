// DDIM (Song et al. 2021, arXiv:2010.02502), eq. 12 and 16.
//
// In the VE scale the noise that eq. 16 injects has deviation
//   up = eta sigma' sqrt(1 - (sigma' / sigma)^2)
// and the direction term keeps down = sqrt(sigma'^2 - up^2) of the predicted noise. eta = 0 is
// deterministic (and then Euler's step), eta = 1 is DDPM with the posterior variance.
#pragma once

#include <cmath>

#include "noisescope/diffusion/samplers/step.h"

namespace noisescope::samplers {

struct Ddim : Method {
  double eta = 0;

  explicit Ddim(double eta_value) : eta(eta_value) {}

  bool is_stochastic() const override { return eta > 0; }

  Tensor advance(const Step& step) override {
    const double ratio = step.sigma_next / step.sigma;
    const double up = eta * step.sigma_next * std::sqrt(1 - ratio * ratio);
    const double down = std::sqrt(step.sigma_next * step.sigma_next - up * up);
    const Tensor eps = (step.x - step.denoised) / step.sigma;
    const Tensor mean = step.denoised + eps * down;
    return up > 0 ? mean + step.noise() * up : mean;
  }
};

}  // namespace noisescope::samplers
