// What a solver is given for one step, and the interface that the driver (sampler.cpp) calls.
//
// All solvers work in the VE scale with x = x_0 + sigma eps; a VP solver of the papers is the same
// map carried over by alpha_bar = 1 / (1 + sigma^2). D is the denoised estimate at (x, sigma).
#pragma once

#include "noisescope/core/device.h"
#include "noisescope/diffusion/sampler.h"

namespace noisescope::samplers {

struct Step {
  int64_t index = 0;       // 0 .. count - 1
  int64_t count = 0;       // S
  double sigma = 0;        // noise level of x
  double sigma_next = 0;   // 0 at the last step
  double sigma_after = 0;  // the level after sigma_next; 0 at the last two steps
  Tensor x;                // [B, C, H, W]
  Tensor denoised;         // D(x, sigma); not yet known in prepare()
  const Predictor* predict = nullptr;
  const NoiseSource* noise_source = nullptr;

  bool is_last() const { return sigma_next == 0; }

  /// Standard normal [B, C, H, W] of this step.
  Tensor noise() const {
    return to_device(noise_source->step(static_cast<uint64_t>(index), x.sizes().slice(1), x.scalar_type()), x.device());
  }

  /// D at another point of the step.
  Tensor denoise(const Tensor& at, double sigma_at) const {
    return (*predict)(at, torch::full({at.size(0)}, sigma_at, at.options())).denoised;
  }
};

/// One sampling algorithm. Objects live for one run: multistep solvers keep their history.
class Method {
 public:
  virtual ~Method() = default;
  /// The run goes on from its middle: the estimate of the step before, which was h wide in ln sigma.
  virtual void recall(const Tensor& /*denoised*/, double /*h*/) {}
  /// May move (x, sigma) to a higher noise level before the step's first evaluation.
  virtual void prepare(Step&) {}
  /// From (x, sigma), with D known, to x at sigma_next. Never writes into the tensors of `step`.
  virtual Tensor advance(const Step& step) = 0;
  /// Whether advance() or prepare() may ask for noise.
  virtual bool is_stochastic() const { return false; }
};

}  // namespace noisescope::samplers
