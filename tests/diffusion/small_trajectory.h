// Trajectories of one or two steps, whose pictures are known.
#pragma once

#include "noisescope/diffusion/trajectory.h"

namespace noisescope {

/// The picture is draw(x_T, 1, condition).
inline Trajectory one_step(Denoiser draw, const Tensor& initial, const Tensor& condition, const NoiseSource& noise) {
  return {{std::move(draw), {1, 0}, {.solver = Solver::ddim}, {.clamp = 0}}, {condition, condition, initial, noise}};
}

/// The picture is draw(2 x_T + sqrt(3) / 2 z, 1, condition) with the noise z of step 0: the first of two ancestral
/// steps takes x for the estimate.
inline Trajectory two_steps(const Denoiser& draw, const Tensor& initial, const Tensor& condition,
                            const NoiseSource& noise) {
  const Denoiser late = [draw](const Tensor& x, const Tensor& sigma, const Tensor& c) {
    return sigma[0].item<double>() > 1 ? x : draw(x, sigma, c);
  };
  return {{late, {2, 1, 0}, {.solver = Solver::ddpm}, {.clamp = 0}}, {condition, condition, initial, noise}};
}

}  // namespace noisescope
