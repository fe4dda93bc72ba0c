// DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, algorithm 2): second order in
// lambda = -ln sigma with one evaluation a step, by extrapolating from the step before.
#pragma once

#include <cmath>

#include "noisescope/diffusion/samplers/step.h"

namespace noisescope::samplers {

struct Dpmpp2m : Method {
  void recall(const Tensor& denoised, double h) override {
    previous_ = denoised;
    previous_h_ = h;
  }

  Tensor advance(const Step& step) override {
    if (step.is_last()) return step.denoised;  // h = infinity: exp(-h) = 0
    const double h = std::log(step.sigma / step.sigma_next);
    Tensor estimate = step.denoised;
    if (previous_.defined()) {
      const double r = previous_h_ / h;
      estimate = step.denoised + (step.denoised - previous_) * (1 / (2 * r));
    }
    previous_ = step.denoised;
    previous_h_ = h;
    return step.x * (step.sigma_next / step.sigma) - estimate * std::expm1(-h);
  }

 private:
  Tensor previous_;  // D of the step before
  double previous_h_ = 0;
};

}  // namespace noisescope::samplers
