#include "noisescope/nn/ema.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/_foreach_lerp.h>
#include <torch/nn/module.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::nn {
namespace {

std::vector<Tensor> live_parameters(const torch::nn::Module& module) {
  std::vector<Tensor> tensors;
  for (const auto& item : module.named_parameters()) tensors.push_back(item.value().detach());
  return tensors;
}

double checked_gamma(const EmaOptions& options) {
  check_options("nn.Ema", options);
  return options.profile == EmaProfile::power ? ema_gamma(options.sigma_rel) : 0;
}

}  // namespace

void describe(Describer& d, EmaOptions& o) {
  d("profile", o.profile,
    "power: window grows with the training; constant: one decay after a warm-up; fixed: from the "
    "start");
  d("sigma_rel", o.sigma_rel, "power: width of the window relative to the training so far",
    {.min = 0, .max = 0.28, .above_min = true});
  d("decay", o.decay, "constant, fixed: share of the old average kept at every update",
    {.min = 0, .max = 1, .below_max = true});
}

double ema_sigma_rel(double gamma) { return std::sqrt((gamma + 1) / ((gamma + 2) * (gamma + 2) * (gamma + 3))); }

double ema_gamma(double sigma_rel) {
  if (!(sigma_rel > 0 && sigma_rel < std::sqrt(1.0 / 12))) {
    throw ValueError(format_text("[nn.ema_gamma] expected sigma_rel in (0, 0.2886), got {}", sigma_rel));
  }
  // ema_sigma_rel falls from 12^-1/2 at 0 and stays below 1/gamma: bisect.
  double low = 0, high = 1 / sigma_rel;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (ema_sigma_rel(middle) > sigma_rel ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

Ema::Ema(const torch::nn::Module& module, const EmaOptions& options)
    : exponent_(checked_gamma(options) + 1), options_(options) {
  for (const auto& item : module.named_parameters()) {
    parameter_names_.push_back(item.key());
    parameters_.push_back(item.value().detach().clone());
  }
  for (const auto& item : module.named_buffers()) {
    buffer_names_.push_back(item.key());
    buffers_.push_back(item.value().detach().clone());
  }
}

double Ema::beta(int64_t update) const {
  const auto t = static_cast<double>(update);
  if (options_.profile == EmaProfile::fixed) return options_.decay;
  if (options_.profile == EmaProfile::constant) {
    return std::min(options_.decay, (1 + t) / (10 + t));
  }
  return std::pow(1 - 1 / t, exponent_);
}

void Ema::update(const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  const std::vector<Tensor> now = live_parameters(module);
  if (now.size() != parameters_.size()) {
    throw ValueError(
        format_text("[nn.Ema] expected the module of the construction with {} parameters, "
                    "got one with {}",
                    parameters_.size(), now.size()));
  }
  ++updates_;
  if (!now.empty()) at::_foreach_lerp_(parameters_, now, 1 - beta(updates_));
  const auto buffers = module.named_buffers();
  for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(buffers[i].value());
}

NamedTensors Ema::weights() const {
  NamedTensors named;
  for (size_t i = 0; i < parameters_.size(); ++i) named[parameter_names_[i]] = parameters_[i];
  for (size_t i = 0; i < buffers_.size(); ++i) named[buffer_names_[i]] = buffers_[i];
  return named;
}

NamedTensors Ema::state() const {
  NamedTensors named;
  for (const auto& [name, tensor] : weights()) named["weights." + name] = tensor;
  named["updates"] = torch::tensor(updates_, torch::kInt64);
  return named;
}

void Ema::load_state(const NamedTensors& state) {
  NamedTensors targets = this->state();
  load_named_tensors(targets, state, "state of an average of weights");
  updates_ = targets.at("updates").item<int64_t>();
}

}  // namespace noisescope::nn
