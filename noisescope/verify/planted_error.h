// Errors of any size, planted through the seams of checks (defect.h): defects are some of them at one size.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/verify/defect.h"

namespace noisescope::verify {

/// The model with another denoiser.
Seams of_denoiser(const std::function<Denoiser(const Model&)>& broken);
/// What `change` makes of the prompt's share D - D_null of the estimate.
Seams of_prompt_share(const std::function<Tensor(const Tensor&)>& change);
/// Lands `pixels` to the right.
Seams shift_prompt(int64_t pixels);
Seams amplify_prompt(double factor);
/// This share of it, mirrored, lands in the other half.
Seams leak_prompt(double share);
/// D evaluated as if the noise level were `factor` sigma.
Seams misread_noise_level(double factor);
/// What `change` makes of the log-posterior [N, B, K] of evidence filtering, normalised again.
Seams of_log_posterior(const std::function<Tensor(const Evidence&)>& change);

/// An error by its size: 0 is none.
struct PlantedError {
  std::string kind;           // with its unit: "prompt shifted, px"
  double target = 0;          // the size that rows should see
  std::vector<double> sizes;  // rising, those that are tried
  std::string check;          // the only one that it concerns; "": any
  std::function<Seams(double size)> plant;
};

const std::vector<PlantedError>& planted_errors();

}  // namespace noisescope::verify
