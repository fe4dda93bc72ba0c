// What more guidance does to pictures, by radial frequency: the same run at several scales s, and
// in each band of the spectrum the gain energy(s) / energy(s = 1) of the final pictures. Above 1 =
// amplified (the lowest band: colours and contrast of the whole; the highest: edges and grain).
// Null value 1, at s = 1.
#pragma once

#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/diffusion/trajectory.h"

namespace noisescope::explain {

class AnswerDescriber;

struct GuidanceSweepOptions {
  std::vector<double> scales = {0, 2, 4, 8};  // s as in GuidanceOptions; 1 is always drawn, too
  int64_t bands = 6;                          // of band_energy

  /// Denoiser evaluations of `steps` steps with one prediction each: one branch at s = 1, else two.
  int64_t cost(int64_t pictures, int64_t steps) const;
};
void describe(Describer& d, GuidanceSweepOptions& options);

/// G scales, B pictures, R bands; float64 on the CPU.
struct GuidanceSweep {
  std::vector<double> scales;  // [G], those of the options
  Tensor gain;                 // [G, B, R]; 1 where a band is empty at both scales
  Tensor reference;            // [B, R]: energy at s = 1
};

/// All scales share the noise of the trajectory. Throws ValueError for scales that are not finite, none of them,
/// or no bands; Interrupted on request.
GuidanceSweep guidance_sweep(const Trajectory& trajectory, const GuidanceSweepOptions& options,
                             const Control& control = {});

void describe(AnswerDescriber& d, const GuidanceSweep& answer);

struct GuidanceSweepQuestion {
  int64_t pictures = 6;  // of the trajectory, at most
  GuidanceSweepOptions options;
};
void describe(Describer& d, GuidanceSweepQuestion& question);

}  // namespace noisescope::explain
