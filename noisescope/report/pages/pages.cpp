#include "noisescope/report/pages/pages.h"

#include <array>
#include <utility>

namespace noisescope::report {

PageMaker page_maker(const std::string& id) {
  static constexpr std::array<std::pair<const char*, PageMaker>, 20> kPages = {
      {{"conditioning_locality", conditioning_locality_page},
       {"counterfactual", counterfactual_page},
       {"evidence", evidence_page},
       {"guidance_anatomy", guidance_anatomy_page},
       {"guidance_information", guidance_information_page},
       {"guidance_sweep", guidance_sweep_page},
       {"guidance_windows", guidance_windows_page},
       {"information_map", information_map_page},
       {"inversion", inversion_page},
       {"noise_sobol", noise_sobol_page},
       {"noise_tests", noise_tests_page},
       {"noise_tiles", noise_tiles_page},
       {"noise_transplant", noise_transplant_page},
       {"posterior_uncertainty", posterior_uncertainty_page},
       {"prediction_tests", prediction_tests_page},
       {"read_out", read_out_page},
       {"seed_share", seed_share_page},
       {"spectral_emergence", spectral_emergence_page},
       {"trajectory_geometry", trajectory_geometry_page},
       {"u_turn", u_turn_page}}};
  for (const auto& [name, maker] : kPages) {
    if (id == name) return maker;
  }
  return nullptr;
}

}  // namespace noisescope::report
