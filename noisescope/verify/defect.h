// Planted defects: proof that `noisescope verify` can fail. Each is put in through a public seam (the
// denoiser, the conditions, the options, what an observer is shown), never by a switch inside a method.
#pragma once

#include <string>
#include <vector>

#include "noisescope/diffusion/denoiser.h"

namespace noisescope {

struct Defect {
  std::string name;
  std::string what;    // in a sentence
  std::string method;  // of the rows that it concerns
  std::string figure;  // the row that must fall (its beginning)
};

const std::vector<Defect>& defects();

/// Throws ValueError that lists the names, unless `name` is one or empty.
void check_defect_name(const std::string& name);

/// D_null + roll(D - D_null): the prompt's share of the estimate is shifted to the right by `pixels`.
Denoiser shift_prompt(Denoiser denoiser, Tensor null_condition, int64_t pixels);

/// D_null + factor (D - D_null): the prompt's share is overstated.
Denoiser amplify_prompt(Denoiser denoiser, Tensor null_condition, double factor);

/// D evaluated as if the noise level were `factor` sigma.
Denoiser misread_noise_level(Denoiser denoiser, double factor);

}  // namespace noisescope
