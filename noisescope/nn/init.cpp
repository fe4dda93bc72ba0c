#include "noisescope/nn/init.h"

#include <cmath>
#include <map>
#include <mutex>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/module.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"

namespace noisescope::nn {
namespace {

using Rules = std::map<std::string, InitRule>;

void add_rules(const torch::nn::Module& module, const std::string& name, Rules& rules) {
  const auto* stated = dynamic_cast<const HasInitRules*>(&module);
  if (stated == nullptr) return;
  const std::string prefix = name.empty() ? "" : name + ".";
  for (InitRule rule : stated->init_rules()) {
    rule.parameter = prefix + rule.parameter;
    rules[rule.parameter] = rule;
  }
}

/// Full parameter name -> rule. Modules come parents first, so inner rules overwrite outer ones.
/// The module itself is visited apart: within its constructor no shared_ptr holds it yet.
Rules collect_rules(torch::nn::Module& module) {
  Rules rules;
  add_rules(module, "", rules);
  for (const auto& item : module.named_modules("", /*include_self=*/false)) {
    add_rules(*item.value(), item.key(), rules);
  }
  return rules;
}

/// Rows are independent streams, which also lets them be drawn in parallel.
std::vector<int64_t> rows_of(const Tensor& parameter) {
  return sample_range(0, parameter.dim() == 0 ? 1 : parameter.size(0));
}

std::vector<int64_t> row_shape(const Tensor& parameter) {
  std::vector<int64_t> shape = parameter.sizes().vec();
  if (!shape.empty()) shape.erase(shape.begin());
  return shape;
}

void apply_rule(const InitRule& rule, Tensor& parameter, const Random& random) {
  if (rule.kind == InitRule::Kind::constant) {
    parameter.fill_(rule.value);
    return;
  }
  const Tensor draw =
      random.normal(Purpose::weights, name_hash(rule.parameter), rows_of(parameter), row_shape(parameter));
  parameter.copy_(draw.view(parameter.sizes()) * rule.value);
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

/// The weight that decides how `name` starts: itself, or the one beside a bias.
std::string governing_weight(const std::string& name) {
  return name.substr(0, name.size() - last_part(name).size()) + "weight";
}

/// False if there is no default rule for this name.
bool apply_default(const std::string& name, Tensor& parameter, const std::map<std::string, Tensor>& parameters,
                   const Random& random) {
  const std::string part = last_part(name);
  const auto weight = parameters.find(governing_weight(name));
  if ((part != "weight" && part != "bias") || weight == parameters.end()) return false;
  if (weight->second.dim() < 2) {
    parameter.fill_(part == "weight" ? 1.0 : 0.0);
    return true;
  }
  const auto fan_in = static_cast<double>(weight->second.numel() / weight->second.size(0));
  const double bound = 1.0 / std::sqrt(fan_in);
  const Tensor draw = random.uniform(Purpose::weights, name_hash(name), rows_of(parameter), row_shape(parameter));
  parameter.copy_(draw.mul(2 * bound).sub(bound).view(parameter.sizes()));
  return true;
}

at::Generator global_generator() { return at::detail::getDefaultCPUGenerator(); }

}  // namespace

void initialize_parameters(torch::nn::Module& module, const Random& random) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, InitRule> rules = collect_rules(module);
  std::map<std::string, Tensor> parameters;
  for (const auto& item : module.named_parameters()) parameters[item.key()] = item.value();

  std::vector<std::string> unruled;
  for (auto& [name, parameter] : parameters) {
    if (const auto rule = rules.find(name); rule != rules.end()) {
      apply_rule(rule->second, parameter, random);
      rules.erase(rule);
    } else if (!apply_default(name, parameter, parameters, random)) {
      unruled.push_back(name);
    }
  }
  std::vector<std::string> unused;
  for (const auto& entry : rules) unused.push_back(entry.first);
  if (unruled.empty() && unused.empty()) return;
  throw ValueError(
      format_text("[nn.initialize_parameters] expected a rule for every parameter and the reverse; "
                  "parameters without a rule: {}; rules without a parameter: {}",
                  join(unruled), join(unused)));
}

GlobalGeneratorGuard::GlobalGeneratorGuard() {
  at::Generator generator = global_generator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  state_ = generator.get_state().clone();
}

GlobalGeneratorGuard::~GlobalGeneratorGuard() {
  at::Generator generator = global_generator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state_);
}

}  // namespace noisescope::nn
