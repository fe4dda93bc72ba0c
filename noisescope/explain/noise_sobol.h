// Which injected noise decided a number of the picture: Sobol indices (sobol.h) whose players are the
// initial noise x_T and windows of the noise that a stochastic sampler injects step by step.
//
// The total index of x_T is what the seed of the first noise still decides given all later noise; with a
// deterministic sampler it is 1. Indices are of the sampler as it runs, guidance included: few steps, other
// solvers or eta give other indices.
#pragma once

#include "noisescope/core/options.h"
#include "noisescope/diffusion/trajectory.h"
#include "noisescope/stats/sobol.h"

namespace noisescope::explain {

class AnswerDescriber;

struct NoiseSobolOptions {
  int64_t windows = 3;  // W windows of equally many steps

  /// Sampler steps for N samples: of each, A, B, x_T and every window redrawn.
  int64_t cost(int64_t samples, int64_t steps) const { return samples * (windows + 3) * steps; }
};
void describe(Describer& d, NoiseSobolOptions& options);

struct NoiseSobol {
  std::vector<int64_t> first_steps;  // [W + 1]: window w is steps first_steps[w] .. first_steps[w + 1] - 1
  SobolIndices indices;              // player 0 is x_T, player 1 + w is window w
};

/// Explains `scores` of the N pictures of a trajectory, of one prompt or of several: the condition belongs to
/// the sample, so prompts that differ add variance that no player explains. The second set of noises is of a
/// seed derived from that of the first. Throws ValueError for more windows than steps or N < 2.
NoiseSobol noise_sobol(const Trajectory& trajectory, const ScorePictures& scores, const NoiseSobolOptions& options,
                       const Control& control = {});

void describe(AnswerDescriber& d, const SobolIndices& answer);
void describe(AnswerDescriber& d, const NoiseSobol& answer);

/// New trajectories of the prompt.
struct NoiseSobolQuestion {
  int64_t pictures = 48;
  NoiseSobolOptions options;
};
void describe(Describer& d, NoiseSobolQuestion& question);

}  // namespace noisescope::explain
