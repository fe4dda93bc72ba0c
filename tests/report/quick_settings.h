// Settings under which every method takes a moment.
#pragma once

#include "noisescope/io/config.h"

namespace noisescope::test {

inline ConfigNode quick_settings() {
  return config_from_json(nlohmann::ordered_json::parse(R"({
      "evidence": {"steps": 4},
      "u_turn": {"turns": 4, "steps": 3, "log_snrs": [-6, -3, 0]},
      "decision_windows": {"steps": 4},
      "information_map": {"draws": 2, "levels": 4},
      "posterior_uncertainty": {"log_snrs": [-3], "iterations": 2},
      "prediction_tests": {"groups": 1, "permutations": 19},
      "guidance_windows": {"pictures": 2, "windows": 2},
      "guidance_sweep": {"pictures": 2, "scales": [0, 2], "bands": 3},
      "read_out": {"null_trajectories": 19, "permutations": 99},
      "conditioning_locality": {"log_snrs": [-3, 1], "draws": 4, "permutations": 39},
      "noise_sobol": {"pictures": 4, "windows": 2},
      "seed_share": {"seeds": 3, "prompts": 3},
      "noise_tiles": {"pictures": 2, "tile_px": 16, "redraws": 1},
      "noise_transplant": {"pairs": 3},
      "spectral_emergence": {"bands": 4, "steps": 4},
      "inversion": {"steps": [3, 4]}})"),
                          "quick settings");
}

}  // namespace noisescope::test
