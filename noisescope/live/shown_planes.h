// What a page looks at: states of a drawing as bytes, evidence as estimates with intervals.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/live/drawing.h"
#include "noisescope/live/evidence.h"

namespace noisescope::live {

/// The planes of state k: x, estimate, noise with and without prompt, their difference.
struct ShownState {
  std::string bytes;           // uint8 [plane][picture][y][x][RGB]
  std::vector<double> scales;  // what black and white stand for, +- of grey
};

/// Throws ValueError where state k is not drawn yet.
ShownState shown_state(const LiveModel& model, const Drawing& drawing, int64_t k);

/// {"value", "low", "high", "n"}: the mean of paths with its interval by Student's t; NaN are left out, fewer than 2
/// have no interval.
nlohmann::ordered_json estimate_of(const std::vector<double>& values);

/// {"total", "decision", "half_point"} as the protocol has them.
nlohmann::ordered_json word_evidence(const LiveEvidence& evidence);

/// Mean and half-width of the interval of maps [P, H W]: float32 [2][y][x].
std::string mean_and_half_bytes(const std::vector<double>& maps, int64_t paths);

/// A map that never heard the prompt ("background", "edges"), scaled to a total; its half-widths are NaN.
/// Throws ValueError for another name.
std::string blind_map_bytes(const LiveModel& model, const Floats& picture, const std::string& name, double total);

}  // namespace noisescope::live
