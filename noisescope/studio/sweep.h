// One change at every step, or guidance at several scales: what became of the pictures, and what a reader reads on
// them.
#pragma once

#include <string>
#include <vector>

#include "noisescope/model/model.h"
#include "noisescope/studio/branch.h"

namespace noisescope::studio {

struct SweepPoint {
  double at = 0;    // step, or guidance scale
  Tensor pictures;  // [B, C, H, W] on the CPU
  Tensor read;      // [B, L] in [0, 1], float64: how far each label is read on each picture
  Tensor moved;     // [B] in [0, 1], float64: share of pixels that differ visibly from those of the branch
};

struct Sweep {
  int64_t branch = 0;
  bool over_steps = true;
  std::vector<std::string> labels = {};  // [L]: versions of the changed word, the own one first, or the prompt's words
  bool is_probability = false;           // of an exact reader; else 1 for the best of the versions, 0 for others
  std::vector<SweepPoint> points = {};
};

/// Draws the branch's pictures with the change from each of the steps on, or with guidance at each of the scales. The
/// reader is that of the model's world, else the model's own; without one there are no labels. Cost: as
/// Trajectory::redraw for each point. Throws as change_of and Trajectory::redraw do, Interrupted.
Sweep sweep(const Model& model, const Branch& branch, const SweepRequest& request, const Control& control);

/// {"branch", "over", "x", "labels", "probability", "read": [label][point] estimates, "moved": [point] estimates,
/// "of_picture": [point][picture][label]}.
Json to_json(const Sweep& sweep);

/// uint8 [point][picture][y][x][RGB].
std::string sweep_pictures(const Sweep& sweep);

}  // namespace noisescope::studio
