// The solvers of diffusion/samplers/ on plain memory: from x at one noise level to x at the next.
#pragma once

#include <functional>
#include <vector>

#include "noisescope/live/settings.h"

namespace noisescope::live {

using Floats = std::vector<float>;

/// One step. `noise` gives its standard normal numbers, `denoise` the estimate at another point of it.
struct SolverStep {
  int64_t index = 0, count = 0;
  double sigma = 0, sigma_next = 0, sigma_after = 0;
  Floats x, denoised;
  std::function<Floats()> noise;
  std::function<Floats(const Floats& x, double sigma)> denoise;
};

/// One run of a solver, with the history that it looks back at.
class LiveSolverRun {
 public:
  explicit LiveSolverRun(const SolverSettings& settings) : settings_(settings) {}
  /// The run goes on from its middle: the estimate of the step before, which was h wide in ln sigma.
  void recall(Floats denoised, double h);
  /// May move (x, sigma) to a higher noise level before the step's first evaluation.
  void prepare(SolverStep& step) const;
  /// x at sigma_next, with `denoised` known.
  Floats advance(const SolverStep& step);

 private:
  Floats ddim(const SolverStep& step) const;
  Floats ddpm(const SolverStep& step) const;
  Floats heun(const SolverStep& step) const;
  /// The estimate extrapolated from the step before.
  Floats extrapolated(const SolverStep& step, double h);

  SolverSettings settings_;
  Floats previous_;
  double previous_h_ = 0;
};

/// a u + b v.
Floats mix(double a, const Floats& u, double b, const Floats& v);

}  // namespace noisescope::live
