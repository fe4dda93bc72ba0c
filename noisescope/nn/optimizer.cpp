#include "noisescope/nn/optimizer.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <torch/nn/module.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

void check_parameters(const NamedTensors& parameters) {
  if (parameters.empty()) {
    throw ValueError("[nn.AdamW] expected parameters to train, got none");
  }
  const auto& [first_name, first] = *parameters.begin();
  for (const auto& [name, parameter] : parameters) {
    if (parameter.device() == first.device() && parameter.dtype() == first.dtype()) continue;
    throw ValueError("[nn.AdamW] expected parameters of one device and dtype, got " + first_name +
                     " " + describe_tensor(first) + " on " + first.device().str() + " and " + name +
                     " " + describe_tensor(parameter) + " on " + parameter.device().str());
  }
}

}  // namespace

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

AdamW::AdamW(NamedTensors parameters, const AdamWOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  check_parameters(parameters_);
  for (const auto& [name, parameter] : parameters_) {
    const Tensor values = parameter.detach();
    const bool decays = !options_.decay_matrices_only || values.dim() >= 2;
    slots_.push_back({parameter, torch::zeros_like(values), torch::zeros_like(values),
                      torch::zeros({}, values.options().dtype(torch::kFloat32)), decays});
  }
}

void AdamW::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  update(true, learning_rate);
  update(false, learning_rate);
}

void AdamW::update(bool decays, double learning_rate) {
  std::vector<Tensor> values, gradients, averages, square_averages, steps;
  for (const Slot& slot : slots_) {
    if (slot.decays != decays || !slot.parameter.grad().defined()) continue;
    values.push_back(slot.parameter);
    gradients.push_back(slot.parameter.grad());
    averages.push_back(slot.exp_avg);
    square_averages.push_back(slot.exp_avg_sq);
    steps.push_back(slot.step);
  }
  if (values.empty()) return;
  at::_foreach_add_(steps, 1);
  at::_fused_adamw_(values, gradients, averages, square_averages, /*max_exp_avg_sqs=*/{}, steps,
                    learning_rate, options_.beta1, options_.beta2,
                    decays ? options_.weight_decay : 0.0, options_.epsilon, /*amsgrad=*/false,
                    /*maximize=*/false);
}

void AdamW::zero_grad() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = Tensor();
}

NamedTensors AdamW::state() const {
  NamedTensors state;
  auto name = parameters_.begin();
  for (const Slot& slot : slots_) {
    state[name->first + ".exp_avg"] = slot.exp_avg;
    state[name->first + ".exp_avg_sq"] = slot.exp_avg_sq;
    state[name->first + ".step"] = slot.step;
    ++name;
  }
  return state;
}

void AdamW::load_state(const NamedTensors& state, const std::string& what) {
  NamedTensors targets = this->state();
  load_named_tensors(targets, state, what);
}

}  // namespace noisescope
