// Optimisers with named state, and gradient clipping that never waits for the device.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::nn {

/// What updates weights of two and more dimensions; all others are AdamW's.
enum class OptimizerKind { adamw, muon };
NOISESCOPE_ENUM(OptimizerKind, adamw, muon)

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adamw;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double momentum = 0.8;
  double update_rms = 0.4;
  double weight_decay = 0.0;
  bool decay_matrices_only = true;
};
void describe(Describer& d, OptimizerOptions& options);

/// The parameters of `module` that take gradients, by full name, sharing memory with it.
NamedTensors trainable_parameters(const torch::nn::Module& module);

/// Scales all gradients by min(1, max_norm / norm) in place, where norm is the 2-norm over all of
/// them together (arXiv:1211.5063, algorithm 1), and returns that norm as a scalar tensor on their
/// device. The factor is computed on the device: no synchronisation. max_norm 0: no scaling.
/// Parameters without a gradient are left out; with none at all the norm is 0.
Tensor clip_gradients(const NamedTensors& parameters, double max_norm);

/// Orthogonal parts of tensors, at this root mean square, as orthogonal_parts (nn/orthogonalizers.h) makes them: other
/// processes may do some of it.
using OrthogonalParts = std::function<std::vector<Tensor>(const std::vector<Tensor>& tensors, double rms)>;

/// Updates of all parameters, each with decoupled weight decay:
///   AdamW  one fused kernel (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2).
///   Muon   the orthogonal part of an average of gradients (Jordan et al. 2024, "Muon: An optimizer for hidden
///          layers in neural networks", Nesterov's form), at a root mean square of update_rms learning rates
///          (Liu et al. 2025, arXiv:2502.16982, eq. 4). A kernel [O, I, h, w] is the matrix [O, I h w].
/// State is kept by parameter name. A parameter without a gradient is skipped by a step, as in torch.optim.
class Optimizer {
 public:
  /// The parameters share one device and dtype. Empty orthogonal_parts: this process makes them. Throws ValueError if
  /// the parameters do not or there are none.
  Optimizer(NamedTensors parameters, const OptimizerOptions& options, OrthogonalParts orthogonal_parts = {});

  const NamedTensors& parameters() const { return parameters_; }

  /// One update from the present gradients.
  void step(double learning_rate);

  /// Forgets all gradients, without writing zeros.
  void zero_grad();

  /// "<parameter>.exp_avg"; of AdamW's parameters also ".exp_avg_sq" and ".step" (float32 scalar). Shares memory
  /// with the optimizer.
  NamedTensors state() const;

  /// Copies a state in place. Nothing is written unless everything fits: throws ModelError listing
  /// the names that do not; `what` names the source.
  void load_state(const NamedTensors& state, const std::string& what);

 private:
  struct Slot {
    std::string name;
    Tensor parameter, exp_avg;
    Tensor exp_avg_sq, step;  // AdamW's
  };
  using Slots = std::vector<Slot>;

  void count_step();
  void adamw(Slots& slots, double weight_decay, double learning_rate);
  void muon(double learning_rate);

  OptimizerOptions options_;
  OrthogonalParts orthogonal_parts_;
  NamedTensors parameters_;
  Slots decaying_, lasting_;  // AdamW's
  Slots matrices_;            // Muon's
  Tensor steps_;              // of all AdamW's parameters, whose `step` are views of it: one call counts them
};

}  // namespace noisescope::nn
