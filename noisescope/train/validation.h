// Validation of a diffusion network: its loss at fixed noise levels on fixed images and fixed noise.
#pragma once

#include <memory>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/diffusion/loss.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/train/batches.h"

namespace noisescope::train {

/// Mean loss of one bin of noise levels.
struct ValidationBin {
  double sigma = 0;
  double loss = 0;  // unit-variance target space: 1 = knows nothing, at every sigma (edm)
};

struct Validation {
  int64_t step = 0;
  int64_t images = 0;  // of training, so far
  double loss = 0;     // mean over the bins
  std::vector<ValidationBin> bins;
};

/// Noise levels of the bins: 12, evenly spaced in ln sigma from 0.02 to 40.
std::vector<double> validation_sigmas();

struct ValidationSetup {
  PreconditionOptions precondition;
  LossOptions loss;
  uint64_t seed = 0;
  int64_t samples = 0;
  torch::Device device = torch::kCPU;
};

/// The loss at every bin; sample k has image k of `source` and the noise (seed, validation, k) at all
/// of them. Throws Interrupted on a stop request.
std::vector<ValidationBin> validation_losses(const Network& network, const BatchSource& source,
                                             const ValidationSetup& setup, const Control& control = {});

/// Puts other weights into a module, and it into evaluation mode, for the length of a scope.
class WeightsInPlace {
 public:
  /// Throws ModelError if `weights` do not fit.
  WeightsInPlace(torch::nn::Module& module, const NamedTensors& weights);
  ~WeightsInPlace();
  WeightsInPlace(const WeightsInPlace&) = delete;
  WeightsInPlace& operator=(const WeightsInPlace&) = delete;

 private:
  torch::nn::Module& module_;
  NamedTensors own_;
  bool was_training_;
};

}  // namespace noisescope::train
