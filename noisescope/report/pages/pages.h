// The pages one by one, each in the file of its method's id.
#pragma once

#include "noisescope/report/page.h"

namespace noisescope::report {

using PageMaker = Page (*)(const PageContext&);

/// nullptr for a method that has the standard page.
PageMaker page_maker(const std::string& id);

Page conditioning_locality_page(const PageContext& context);
Page counterfactual_page(const PageContext& context);
Page evidence_page(const PageContext& context);
Page guidance_anatomy_page(const PageContext& context);
Page guidance_information_page(const PageContext& context);
Page guidance_sweep_page(const PageContext& context);
Page guidance_windows_page(const PageContext& context);
Page information_map_page(const PageContext& context);
Page inversion_page(const PageContext& context);
Page noise_sobol_page(const PageContext& context);
Page noise_tests_page(const PageContext& context);
Page noise_tiles_page(const PageContext& context);
Page noise_transplant_page(const PageContext& context);
Page posterior_uncertainty_page(const PageContext& context);
Page prediction_tests_page(const PageContext& context);
Page read_out_page(const PageContext& context);
Page seed_share_page(const PageContext& context);
Page spectral_emergence_page(const PageContext& context);
Page trajectory_geometry_page(const PageContext& context);
Page u_turn_page(const PageContext& context);

}  // namespace noisescope::report
