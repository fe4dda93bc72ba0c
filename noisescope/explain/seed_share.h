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

#include "noisescope/explain/picture_draw.h"

namespace noisescope {

/// F attributes; [F] float64 on the CPU. NaN for an attribute that does not vary.
struct VarianceShares {
  Tensor seed, prompt, interaction;
  Tensor seed_error, prompt_error, interaction_error;  // standard errors: jackknife over seeds and prompts
};

/// grid [S, P, F]: F attributes of the picture of seed s and prompt p. The jackknife leaves out each seed and
/// each prompt once and adds both variances (with few of either it is rough: below about 10 read the error
/// as an order of size). Throws ValueError unless S >= 3 and P >= 3.
VarianceShares seed_shares(const Tensor& grid);

/// Draws the grid: S P runs. Seed s is `initial` [S, C, H, W] row s with `noise` row s; `conditions` [P, D].
/// Every prompt meets the same noise. Returns [S, P, F].
Tensor attribute_grid(const DrawPictures& draw, const ScorePictures& scores, const Tensor& initial,
                      const Tensor& conditions, const NoiseSource& noise,
                      const Control& control = {});

}  // namespace noisescope
