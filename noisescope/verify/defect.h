// Planted defects: proof that `noisescope verify` can fail. Each is put in through a public seam (the
// denoiser, the conditions, the options, what an observer is shown), never by a switch inside a method.
#pragma once

#include <string>
#include <vector>

#include "noisescope/diffusion/denoiser.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/inversion.h"

namespace noisescope {

struct Defect {
  std::string name;
  std::string what;                // in a sentence
  std::string check;               // the check that it is planted in
  std::vector<std::string> falls;  // beginnings of figures: some row of each must fall
  std::vector<std::string> spares;  // beginnings of figures that it does not concern: they must hold
};

const std::vector<Defect>& defects();

/// Throws ValueError that lists the names, unless there is such a defect.
const Defect& find_defect(const std::string& name);

/// D_null + roll(D - D_null): the prompt's share of the estimate is shifted to the right by `pixels`.
Denoiser shift_prompt(Denoiser denoiser, Tensor null_condition, int64_t pixels);

/// D_null + factor (D - D_null): the prompt's share is overstated.
Denoiser amplify_prompt(Denoiser denoiser, Tensor null_condition, double factor);

/// D evaluated as if the noise level were `factor` sigma.
Denoiser misread_noise_level(Denoiser denoiser, double factor);

/// D clamped to [-bound, bound].
Denoiser clip_estimate(Denoiser denoiser, double bound);

/// The noise of each step in place of the next one's.
EditFriendlyInversion misplace_noise(EditFriendlyInversion inversion);

/// Shows `observer` each step as if its noise level were `factor` sigma.
SamplerObserver misreport_noise_level(SamplerObserver observer, double factor);

/// Shows `observer` each step with the estimate without prompt of the step before.
SamplerObserver report_stale_branch(SamplerObserver observer);

/// The same noise at first sight, but every step of every run gets noise of its own.
NoiseSource redraw_noise(NoiseSource noise);

}  // namespace noisescope
