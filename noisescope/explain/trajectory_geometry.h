// The shape of a sampling run: how flat it is, where it turns, when each pixel is decided.
//
// Runs are read in the variance-preserving scale x / sqrt(1 + sigma^2), in which their norm stays about
// constant and a run turns from its noise to its picture, nearly within one plane (Wang & Vastola 2023,
// arXiv:2303.02490).
#pragma once

#include <vector>

#include "noisescope/diffusion/sampler.h"

namespace noisescope::explain {

class AnswerDescriber;

/// S steps, B pictures; float64 on the CPU.
struct TrajectoryGeometry {
  std::vector<double> log_snrs;  // [S]
  Tensor plane_energy;           // [B]: share of the run's energy in the span of its first state and its picture
  Tensor angle;                  // [S, B] degrees from the first state, rising from 0
  Tensor turning;                // [S - 2, B] degrees between successive moves: 0 for a straight line
  Tensor speed;                  // [S - 1, B]: |change of the clean estimate| per unit of log-SNR
  Tensor commitment;             // [B, H, W] log-SNR from which the clean estimate of a pixel stays within
                                 // `tolerance` of the final picture
};

/// `steps`: a recorded run with x and the solver's estimate (TrajectoryRecorder); `picture`
/// [B, C, H, W]: its result. `tolerance` in pixel units, root mean square over channels.
/// Throws ValueError for fewer than 3 steps or steps without x or estimate.
TrajectoryGeometry trajectory_geometry(const std::vector<SamplerStep>& steps, const Tensor& picture,
                                       double tolerance = 0.1);

void describe(AnswerDescriber& d, const TrajectoryGeometry& answer);

struct TrajectoryGeometryOptions {
  double tolerance = 0.1;  // pixel units, root mean square over channels
};
void describe(Describer& d, TrajectoryGeometryOptions& options);

}  // namespace noisescope::explain
