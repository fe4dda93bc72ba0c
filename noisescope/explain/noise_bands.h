// In which spatial frequencies is the predicted noise smaller than noise? Where picture and noise cannot be told
// apart yet, eps-hat = E[eps | x] is a mean over what is possible and loses energy.
//
// For Gaussian data with variance S in a band and a noising path, eps-hat = sigma x / (S + sigma^2), so the energy of
// a coefficient is sigma^2 / (S + sigma^2): one half where the SNR of the band is 1. White noise has 1 everywhere.
#pragma once

#include <vector>

#include "noisescope/diffusion/sampler.h"

namespace noisescope::explain {

class AnswerDescriber;

struct NoiseBandsOptions {
  int64_t bands = 6;  // R, equal in radial frequency up to the corner of the spectrum
};
void describe(Describer& d, NoiseBandsOptions& options);

/// S steps, B pictures, R bands; float64 on the CPU. Undefined for a branch that was not evaluated at every step.
struct NoiseBands {
  std::vector<double> log_snrs;  // [S]
  Tensor energy;                 // [S, B, R]: mean |coefficient|^2 of eps-hat with prompt; null value 1
  Tensor energy_unprompted;      // the same without prompt
};
void describe(AnswerDescriber& d, const NoiseBands& answer);

/// `steps`: of one trajectory, with x and estimates. No evaluations. Throws ValueError for no steps, steps without x or
/// any estimate, or so many bands that one is empty.
NoiseBands noise_bands(const std::vector<SamplerStep>& steps, int64_t bands);

}  // namespace noisescope::explain
