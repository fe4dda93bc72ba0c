// All samplers, for tests that hold for each of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "noisescope/diffusion/sampler.h"

namespace noisescope::test {

/// Every solver with every switch that changes its steps.
inline std::vector<std::pair<std::string, SamplerOptions>> all_samplers() {
  const auto with = [](Solver solver, auto change) {
    SamplerOptions options;
    options.solver = solver;
    change(options);
    return options;
  };
  const auto nothing = [](SamplerOptions&) {};
  return {
      {"ddpm_posterior", with(Solver::ddpm, nothing)},
      {"ddpm_upper", with(Solver::ddpm, [](auto& o) { o.variance = Variance::upper; })},
      {"ddim_0.0", with(Solver::ddim, nothing)},
      {"ddim_0.5", with(Solver::ddim, [](auto& o) { o.eta = 0.5; })},
      {"ddim_1.0", with(Solver::ddim, [](auto& o) { o.eta = 1; })},
      {"euler", with(Solver::euler, nothing)},
      {"heun", with(Solver::heun, nothing)},
      {"heun_churn", with(Solver::heun, [](auto& o) { o.churn = 8; })},
      {"dpmpp_2m", with(Solver::dpmpp_2m, nothing)},
      {"dpmpp_2m_sde", with(Solver::dpmpp_2m_sde, nothing)},
  };
}

inline SamplerOptions sampler_named(const std::string& name) {
  for (const auto& [candidate, options] : all_samplers()) {
    if (candidate == name) return options;
  }
  throw ValueError("no sampler named " + name);
}

/// A predictor without guidance, from D(x, sigma).
inline Predictor unguided(Denoiser denoiser, Tensor condition) {
  return [=](const Tensor& x, const Tensor& sigma) {
    const Tensor denoised = denoiser(x, sigma, condition);
    return Prediction{denoised, denoised, Tensor()};
  };
}

}  // namespace noisescope::test
