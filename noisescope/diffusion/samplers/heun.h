// Heun's second-order method with churn (Karras et al. 2022, arXiv:2206.00364, algorithm 2;
// without churn algorithm 1). Two evaluations a step, one in the last.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "noisescope/diffusion/samplers/step.h"

namespace noisescope::samplers {

struct Heun : Method {
  double churn = 0;        // S_churn
  double sigma_min = 0;    // S_tmin
  double sigma_max = 0;    // S_tmax
  double noise_scale = 1;  // S_noise

  explicit Heun(const SamplerOptions& options)
      : churn(options.churn),
        sigma_min(options.churn_sigma_min),
        sigma_max(options.churn_sigma_max),
        noise_scale(options.churn_noise) {}

  bool is_stochastic() const override { return churn > 0; }

  /// Lines 4-6: raise the noise level from sigma to sigma-hat.
  void prepare(Step& step) override {
    if (churn <= 0 || step.sigma < sigma_min || step.sigma > sigma_max) return;
    const double gamma = std::min(churn / static_cast<double>(step.count), std::numbers::sqrt2 - 1);
    const double raised = step.sigma * (1 + gamma);
    const double added = std::sqrt(raised * raised - step.sigma * step.sigma);
    step.x = step.x + step.noise() * (noise_scale * added);
    step.sigma = raised;
  }

  /// Lines 7-11.
  Tensor advance(const Step& step) override {
    const double h = step.sigma_next - step.sigma;
    const Tensor slope = (step.x - step.denoised) / step.sigma;
    Tensor guess = step.x + slope * h;
    if (step.is_last()) return guess;
    const Tensor slope_next = (guess - step.denoise(guess, step.sigma_next)) / step.sigma_next;
    return step.x + (slope + slope_next) * (h / 2);
  }
};

}  // namespace noisescope::samplers
