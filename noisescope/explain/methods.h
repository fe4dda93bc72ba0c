// The methods one by one, each from its own file; the table stands in methods.cpp.
#pragma once

#include "noisescope/explain/method.h"

namespace noisescope::explain {

Method conditioning_locality_method();
Method counterfactual_method();
Method decision_windows_method();
Method evidence_method();
Method guidance_anatomy_method();
Method guidance_information_method();
Method guidance_sweep_method();
Method guidance_windows_method();
Method information_map_method();
Method inversion_method();
Method noise_bands_method();
Method noise_sobol_method();
Method noise_tests_method();
Method noise_tiles_method();
Method noise_transplant_method();
Method posterior_uncertainty_method();
Method prediction_tests_method();
Method read_out_method();
Method rewind_method();
Method seed_share_method();
Method spectral_emergence_method();
Method trajectory_geometry_method();
Method u_turn_method();

}  // namespace noisescope::explain
