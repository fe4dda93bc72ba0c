// Fused AdamW with named state, and gradient clipping that never waits for the device.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  bool decay_matrices_only = true;
};

inline void describe(Describer& d, AdamWOptions& o) {
  d("beta1", o.beta1, "averaging of gradients, per step", {.min = 0, .max = 0.999999});
  d("beta2", o.beta2, "averaging of squared gradients, per step", {.min = 0, .max = 0.999999});
  d("epsilon", o.epsilon, "added to the root of the squared gradient", {.min = 1e-16, .max = 1});
  d("weight_decay", o.weight_decay, "decoupled weight decay, times the learning rate",
    {.min = 0, .max = 1});
  d("decay_matrices_only", o.decay_matrices_only,
    "decay tensors of two and more dimensions alone: no biases, gains or scales");
}

/// The parameters of `module` that take gradients, by full name, sharing memory with it.
NamedTensors trainable_parameters(const torch::nn::Module& module);

/// Scales all gradients by min(1, max_norm / norm) in place, where norm is the 2-norm over all of
/// them together (arXiv:1211.5063, algorithm 1), and returns that norm as a scalar tensor on their
/// device. The factor is computed on the device: no synchronisation. max_norm 0: no scaling.
/// Parameters without a gradient are left out; with none at all the norm is 0.
Tensor clip_gradients(const NamedTensors& parameters, double max_norm);

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), one
/// fused kernel for all parameters. Moments are kept by parameter name. A parameter without a
/// gradient is skipped by a step, as in torch.optim.
class AdamW {
 public:
  /// The parameters share one device and dtype. Throws ValueError if they do not or there are none.
  AdamW(NamedTensors parameters, const AdamWOptions& options);

  const NamedTensors& parameters() const { return parameters_; }

  /// One update from the present gradients.
  void step(double learning_rate);

  /// Forgets all gradients, without writing zeros.
  void zero_grad();

  /// "<parameter>.exp_avg", "<parameter>.exp_avg_sq" and "<parameter>.step" (float32 scalar), sharing
  /// memory with the optimizer.
  NamedTensors state() const;

  /// Copies a state in place. Nothing is written unless everything fits: throws ModelError listing
  /// the names that do not; `what` names the source.
  void load_state(const NamedTensors& state, const std::string& what);

 private:
  struct Slot {
    Tensor parameter, exp_avg, exp_avg_sq, step;
    bool decays;
  };
  void update(bool decays, double learning_rate);

  AdamWOptions options_;
  NamedTensors parameters_;
  std::vector<Slot> slots_;  // in the order of parameters_
};

}  // namespace noisescope
