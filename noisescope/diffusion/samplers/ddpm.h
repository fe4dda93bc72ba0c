// DDPM ancestral sampling (Ho et al. 2020, arXiv:2006.11239, algorithm 2), between any two levels.
#pragma once

#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/samplers/step.h"

namespace noisescope::samplers {

struct Ddpm : Method {
  Variance variance = Variance::posterior;

  explicit Ddpm(Variance kind) : variance(kind) {}

  bool is_stochastic() const override { return true; }

  Tensor advance(const Step& step) override {
    const Posterior q = posterior_ve(step.sigma, step.sigma_next);  // eq. 7 with x_0 = D
    Tensor mean = step.denoised * q.x0_factor + step.x * q.xt_factor;
    if (step.is_last()) return mean;  // z = 0 for t = 1
    return mean + step.noise() * std::sqrt(chosen_variance(step, q));
  }

 private:
  double chosen_variance(const Step& step, const Posterior& q) const {
    if (variance == Variance::posterior) return q.variance;
    if (variance == Variance::upper) return upper_variance_ve(step.sigma, step.sigma_next);
    return previous_variance_ve(step.sigma_next, step.sigma_after);
  }
};

}  // namespace noisescope::samplers
