// A change that the page asked for, as the change of a trajectory (diffusion/trajectory.h), and in words.
#pragma once

#include "noisescope/model/model.h"
#include "noisescope/studio/request.h"

namespace noisescope::studio {

/// What is different when `parent` is sampled again. Noise that is moved or swapped at state k is that of x_k less the
/// estimate there, in units of sigma_k; at k = 0 it is x_0 itself. A U-turn takes the finished pictures to the noise
/// level of state k with noise (seed, picture). Throws ValueError for a prompt that the model cannot take, and for new
/// remaining noise of a solver that adds none.
Change change_of(const ChangeRequest& request, const Model& model, const Trajectory& parent);

/// What is different and from where: 'red' -> 'blue' from step 6.
std::string describe_change(const ChangeRequest& request, const std::string& prompt_before);

/// [.., y, x]: the values of a box go to (x, y), and those that stood there and not in the box go to what it left, in
/// reading order: the same values in other places.
Tensor moved(const Tensor& values, const Box& box, int64_t x, int64_t y);

}  // namespace noisescope::studio
