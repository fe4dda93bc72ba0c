// Averages of the weights over training: what is sampled from.
#pragma once

#include <cstdint>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::nn {

enum class EmaProfile { power, constant, fixed };
NOISESCOPE_ENUM(EmaProfile, power, constant, fixed)

struct EmaOptions {
  EmaProfile profile = EmaProfile::power;
  double sigma_rel = 0.10;  // power: width of the profile relative to the training so far
  double decay = 0.9999;    // constant, fixed: share of the old average kept at every update
};
void describe(Describer& d, EmaOptions& options);

/// Width of the profile f(tau) ~ tau^gamma on [0, 1]: its standard deviation
/// sqrt((gamma + 1) / ((gamma + 2)^2 (gamma + 3))) (EDM2, arXiv:2312.02696, eq. 126).
double ema_sigma_rel(double gamma);

/// The inverse, for 0 < sigma_rel < 12^-1/2 (gamma = 0, the plain mean).
double ema_gamma(double sigma_rel);

/// An average of a module's parameters; buffers are copied.
///   power     theta_hat <- beta theta_hat + (1 - beta) theta, beta_t = (1 - 1/t)^(gamma + 1)
///             (EDM2, eq. 1): the window grows with the training, and the first update copies.
///   constant  beta_t = min(decay, (1 + t) / (10 + t)): a warm-up forgets the initial weights.
///   fixed     beta_t = decay from the first update on, so the initial weights stay in the average
///             with a share of decay^t (xNoise's choice).
class Ema {
 public:
  /// Starts as a copy of `module` with no updates seen.
  Ema(const torch::nn::Module& module, const EmaOptions& options);

  /// Update t = updates() + 1. The module must have the parameters it had at construction, in the
  /// same order, on the same device. In place, one multi-tensor call.
  void update(const torch::nn::Module& module);

  int64_t updates() const { return updates_; }
  double beta(int64_t update) const;

  /// The averaged parameters and the buffers, by the names of the module; shared memory.
  NamedTensors weights() const;

  /// Everything that update() depends on, for checkpoints: "weights.<name>" and "updates".
  NamedTensors state() const;
  /// Throws ModelError listing what does not fit; nothing is changed then.
  void load_state(const NamedTensors& state);

 private:
  double exponent_;
  EmaOptions options_;
  int64_t updates_ = 0;
  std::vector<std::string> parameter_names_, buffer_names_;
  std::vector<Tensor> parameters_, buffers_;
};

}  // namespace noisescope::nn
