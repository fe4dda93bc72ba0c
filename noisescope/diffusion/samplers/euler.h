// Euler's method on the probability-flow ODE dx / dsigma = (x - D) / sigma
// (Karras et al. 2022, arXiv:2206.00364, eq. 1 with eq. 3 and s(t) = 1, sigma(t) = t).
#pragma once

#include "noisescope/diffusion/samplers/step.h"

namespace noisescope::samplers {

struct Euler : Method {
  Tensor advance(const Step& step) override {
    const Tensor slope = (step.x - step.denoised) / step.sigma;
    return step.x + slope * (step.sigma_next - step.sigma);
  }
};

}  // namespace noisescope::samplers
