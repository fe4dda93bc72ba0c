// How much of an attribute the seed decided, how much the prompt, and how much only both together: the
// two-factor Sobol decomposition of a grid of pictures, every seed with every prompt.
//
//   y_sp = mean + seed_s + prompt_p + interaction_sp
//   Var y = v_seed + v_prompt + v_interaction
// Seeds and prompts are random draws of all seeds and of the prompts asked about, so the components are
// the unbiased ones of the analysis of variance (Searle, Casella & McCulloch 1992, section 4.3):
//   v_interaction = MS_sp,  v_seed = (MS_seed - MS_sp) / P,  v_prompt = (MS_prompt - MS_sp) / S
// and not shares of the sums of squares, which give each factor part of the interaction. Shares sum to 1;
// one that is truly 0 is estimated below 0 half of the time.
//
// With one picture a cell v_interaction includes the noise of everything that is not the seed's: a
// stochastic sampler must take all its noise from the seed (NoiseSource does) to leave none.
#pragma once

#include "noisescope/diffusion/trajectory.h"

namespace noisescope::explain {

class AnswerDescriber;

/// F attributes; [F] float64 on the CPU. NaN for an attribute that does not vary.
struct VarianceShares {
  Tensor seed, prompt, interaction;
  Tensor seed_error, prompt_error, interaction_error;  // standard errors: jackknife over seeds and prompts
};

/// grid [S, P, F]: F attributes of the picture of seed s and prompt p. The jackknife leaves out each seed and
/// each prompt once and adds both variances (with few of either it is rough: below about 10 read the error
/// as an order of size). Throws ValueError unless S >= 3 and P >= 3.
VarianceShares seed_shares(const Tensor& grid);

/// Draws the grid, [S, P, F]: the noise of each of the S pictures of a trajectory under each of `conditions` [P, D].
Tensor attribute_grid(const Trajectory& trajectory, const ScorePictures& scores, const Tensor& conditions,
                      const Control& control = {});

void describe(AnswerDescriber& d, const VarianceShares& answer);

/// A grid of new trajectories: seeds times versions of the first word that has at least three.
struct SeedShareQuestion {
  int64_t seeds = 12;
  int64_t prompts = 5;  // at most
};
void describe(Describer& d, SeedShareQuestion& question);

struct SeedShare {
  std::vector<std::string> prompts;  // [P]
  int64_t seeds = 0;
  VarianceShares shares;
};
void describe(AnswerDescriber& d, const SeedShare& answer);

}  // namespace noisescope::explain
