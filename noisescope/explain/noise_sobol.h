// Which injected noise decided a number of the picture: Sobol indices (sobol.h) whose players are the
// initial noise x_T and windows of the noise that a stochastic sampler injects step by step.
//
// The total index of x_T is what the seed of the first noise still decides given all later noise; with a
// deterministic sampler it is 1. Indices are of the sampler as it runs, guidance included: few steps, other
// solvers or eta give other indices.
#pragma once

#include "noisescope/core/options.h"
#include "noisescope/explain/picture_draw.h"
#include "noisescope/stats/sobol.h"

namespace noisescope {

struct NoiseSobolOptions {
  int64_t windows = 4;  // W windows of equally many steps

  /// Sampler steps for N samples: of each, A, B, x_T and every window redrawn.
  int64_t cost(int64_t samples, int64_t steps) const { return samples * (windows + 3) * steps; }
};
void describe(Describer& d, NoiseSobolOptions& options);

struct NoiseSobol {
  std::vector<int64_t> first_steps;  // [W + 1]: window w is steps first_steps[w] .. first_steps[w + 1] - 1
  SobolIndices indices;              // player 0 is x_T, player 1 + w is window w
};

/// Explains `scores` of N runs of one prompt, or of several: `condition` [N, D] belongs to the sample, so
/// prompts that differ add variance that no player explains; for one prompt repeat its row.
///   initial  [N, C, H, W]  x_T of the runs in units of its deviation
///   noise    of their steps; the second set of noises is of a seed derived from its own
///   steps    of a run
/// Throws ValueError for more windows than steps or N < 2.
NoiseSobol noise_sobol(const DrawPictures& draw, const ScorePictures& scores, const Tensor& initial,
                       const Tensor& condition, const NoiseSource& noise, int64_t steps,
                       const NoiseSobolOptions& options, const Control& control = {});

}  // namespace noisescope
