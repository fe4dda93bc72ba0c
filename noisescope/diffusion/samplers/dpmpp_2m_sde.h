// SDE-DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095; midpoint form): the same
// extrapolation on the reverse SDE. One evaluation a step; the noise level falls as exp(-2h).
#pragma once

#include <cmath>

#include "noisescope/diffusion/samplers/step.h"

namespace noisescope::samplers {

struct Dpmpp2mSde : Method {
  bool is_stochastic() const override { return true; }

  void recall(const Tensor& denoised, double h) override {
    previous_ = denoised;
    previous_h_ = h;
  }

  Tensor advance(const Step& step) override {
    if (step.is_last()) return step.denoised;
    const double h = std::log(step.sigma / step.sigma_next);
    const double gain = -std::expm1(-2 * h);  // 1 - exp(-2h)
    Tensor estimate = step.denoised;
    if (previous_.defined()) {
      const double r = previous_h_ / h;
      estimate = step.denoised + (step.denoised - previous_) * (1 / (2 * r));
    }
    previous_ = step.denoised;
    previous_h_ = h;
    return step.x * (step.sigma_next / step.sigma * std::exp(-h)) + estimate * gain +
           step.noise() * (step.sigma_next * std::sqrt(gain));
  }

 private:
  Tensor previous_;  // D of the step before
  double previous_h_ = 0;
};

}  // namespace noisescope::samplers
