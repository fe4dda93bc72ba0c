#include "noisescope/nn/optimizer.h"

#include <cmath>

#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_foreach_sub.h>
#include <ATen/ops/_fused_adamw.h>
#include <torch/nn/module.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/nn/orthogonalizers.h"

namespace noisescope::nn {
namespace {

void check_parameters(const NamedTensors& parameters) {
  if (parameters.empty()) {
    throw ValueError("[nn.Optimizer] expected parameters to train, got none");
  }
  const auto& [first_name, first] = *parameters.begin();
  for (const auto& [name, parameter] : parameters) {
    if (parameter.device() == first.device() && parameter.dtype() == first.dtype()) continue;
    throw ValueError(
        format_text("[nn.Optimizer] expected parameters of one device and dtype, "
                    "got {} {} on {} and {} {} on {}",
                    first_name, describe_tensor(first), first.device().str(), name, describe_tensor(parameter),
                    parameter.device().str()));
  }
}

/// `tensor` with the axes in the order of `parameter`'s memory: torch's kernel copies what is not contiguous, and would
/// pair numbers by their place in memory.
Tensor in_memory_order(const Tensor& tensor, const Tensor& parameter) {
  const bool channels_last = parameter.dim() == 4 && parameter.is_contiguous(kChannelsLast);
  return channels_last ? tensor.permute({0, 2, 3, 1}) : tensor;
}

bool has_gradient(const Tensor& parameter) { return parameter.grad().defined(); }

}  // namespace

void describe(Describer& d, OptimizerOptions& o) {
  d("kind", o.kind, "what updates weights of two and more dimensions: adamw, muon (all others: AdamW)");
  d("beta1", o.beta1, "AdamW: averaging of gradients, per step", {.min = 0, .max = 0.999999});
  d("beta2", o.beta2, "AdamW: averaging of squared gradients, per step", {.min = 0, .max = 0.999999});
  d("epsilon", o.epsilon, "AdamW: added to the root of the squared gradient", {.min = 1e-16, .max = 1});
  d("momentum", o.momentum, "Muon: averaging of gradients, per step", {.min = 0, .max = 0.999999});
  d("update_rms", o.update_rms, "Muon: root mean square of a weight's update, in learning rates",
    {.min = 0, .max = 100});
  d("weight_decay", o.weight_decay, "decoupled weight decay, times the learning rate", {.min = 0, .max = 1});
  d("decay_matrices_only", o.decay_matrices_only,
    "decay tensors of two and more dimensions alone: no biases, gains or scales");
}

NamedTensors trainable_parameters(const torch::nn::Module& module) {
  NamedTensors parameters;
  for (const auto& item : module.named_parameters()) {
    if (item.value().requires_grad()) parameters[item.key()] = item.value();
  }
  return parameters;
}

Tensor clip_gradients(const NamedTensors& parameters, double max_norm) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  for (const auto& entry : parameters) {
    if (entry.second.grad().defined()) gradients.push_back(entry.second.grad());
  }
  if (gradients.empty()) return torch::zeros({});
  const Tensor norm = torch::linalg_vector_norm(torch::stack(at::_foreach_norm(gradients)));
  if (max_norm > 0) {
    // The small number keeps a zero gradient zero.
    at::_foreach_mul_(gradients, (max_norm / (norm + 1e-12)).clamp_max(1));
  }
  return norm;
}

Optimizer::Optimizer(NamedTensors parameters, const OptimizerOptions& options, OrthogonalParts orthogonal_parts)
    : options_(options), orthogonal_parts_(std::move(orthogonal_parts)), parameters_(std::move(parameters)) {
  if (!orthogonal_parts_) orthogonal_parts_ = nn::orthogonal_parts;
  check_parameters(parameters_);
  for (const auto& [name, parameter] : parameters_) {
    const Tensor values = parameter.detach();
    Slot slot{name, parameter, torch::zeros_like(values), {}, {}};
    if (options_.kind == OptimizerKind::muon && values.dim() >= 2) {
      matrices_.push_back(std::move(slot));
      continue;
    }
    slot.exp_avg_sq = torch::zeros_like(values);
    const bool decays = !options_.decay_matrices_only || values.dim() >= 2;
    (decays ? decaying_ : lasting_).push_back(std::move(slot));
  }
  const auto slots = static_cast<int64_t>(decaying_.size() + lasting_.size());
  steps_ = torch::zeros({slots}, parameters_.begin()->second.detach().options().dtype(torch::kFloat32));
  int64_t k = 0;
  for (Slots* group : {&decaying_, &lasting_}) {
    for (Slot& slot : *group) slot.step = steps_[k++];
  }
}

void Optimizer::count_step() {
  steps_.add_(1);
  for (Slots* group : {&decaying_, &lasting_}) {
    for (Slot& slot : *group) {
      if (!has_gradient(slot.parameter)) slot.step.sub_(1);
    }
  }
}

void Optimizer::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  count_step();
  adamw(decaying_, options_.weight_decay, learning_rate);
  adamw(lasting_, 0, learning_rate);
  muon(learning_rate);
}

void Optimizer::adamw(Slots& slots, double weight_decay, double learning_rate) {
  std::vector<Tensor> values, gradients, averages, square_averages, steps;
  for (const Slot& slot : slots) {
    if (!has_gradient(slot.parameter)) continue;
    values.push_back(in_memory_order(slot.parameter, slot.parameter));
    gradients.push_back(in_memory_order(slot.parameter.grad(), slot.parameter));
    averages.push_back(in_memory_order(slot.exp_avg, slot.parameter));
    square_averages.push_back(in_memory_order(slot.exp_avg_sq, slot.parameter));
    steps.push_back(slot.step);
  }
  if (values.empty()) return;
  at::_fused_adamw_(values, gradients, averages, square_averages, /*max_exp_avg_sqs=*/{}, steps, learning_rate,
                    options_.beta1, options_.beta2, weight_decay, options_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false);
}

void Optimizer::muon(double learning_rate) {
  std::vector<Tensor> values, gradients, averages;
  for (const Slot& slot : matrices_) {
    if (!has_gradient(slot.parameter)) continue;
    values.push_back(slot.parameter);
    gradients.push_back(slot.parameter.grad());
    averages.push_back(slot.exp_avg);
  }
  if (values.empty()) return;
  at::_foreach_lerp_(averages, gradients, 1 - options_.momentum);
  const std::vector<Tensor> ahead = at::_foreach_lerp(gradients, averages, options_.momentum);
  const std::vector<Tensor> updates = orthogonal_parts_(ahead, learning_rate * options_.update_rms);
  at::_foreach_mul_(values, 1 - learning_rate * options_.weight_decay);
  at::_foreach_sub_(values, updates);
}

void Optimizer::zero_grad() {
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
}

NamedTensors Optimizer::state() const {
  NamedTensors state;
  const auto add = [&](const Slots& slots) {
    for (const Slot& slot : slots) {
      state[slot.name + ".exp_avg"] = slot.exp_avg;
      if (!slot.step.defined()) continue;
      state[slot.name + ".exp_avg_sq"] = slot.exp_avg_sq;
      state[slot.name + ".step"] = slot.step;
    }
  };
  add(decaying_);
  add(lasting_);
  add(matrices_);
  return state;
}

void Optimizer::load_state(const NamedTensors& state, const std::string& what) {
  NamedTensors targets = this->state();
  load_named_tensors(targets, state, what);
}

}  // namespace noisescope::nn
