#include "noisescope/nn/module_state.h"

#include <vector>

#include <torch/nn/module.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"

namespace noisescope::nn {
namespace {

struct Mismatch {
  std::vector<std::string> missing, unknown, unfit;
  bool empty() const { return missing.empty() && unknown.empty() && unfit.empty(); }
};

bool fits(const Tensor& target, const Tensor& source) {
  return source.defined() && source.sizes() == target.sizes() &&
         source.is_floating_point() == target.is_floating_point();
}

Mismatch compare(const NamedTensors& wanted, const NamedTensors& given) {
  Mismatch mismatch;
  for (const auto& [name, target] : wanted) {
    const auto source = given.find(name);
    if (source == given.end()) {
      mismatch.missing.push_back(name);
    } else if (!fits(target, source->second)) {
      mismatch.unfit.push_back(
          format_text("{} (expected {}, got {})", name, describe_tensor(target), describe_tensor(source->second)));
    }
  }
  for (const auto& entry : given) {
    if (!wanted.contains(entry.first)) mismatch.unknown.push_back(entry.first);
  }
  return mismatch;
}

void append(std::string& message, const char* kind, const std::vector<std::string>& names) {
  if (names.empty()) return;
  message += format_text("\n  {} ({}): {}", kind, names.size(), join(names));
}

}  // namespace

NamedTensors module_state(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().detach();
  return state;
}

void load_named_tensors(NamedTensors& targets, const NamedTensors& state, const std::string& what) {
  const Mismatch mismatch = compare(targets, state);
  if (!mismatch.empty()) {
    std::string message = "[nn.load_module_state] expected the tensors of this network, got " + what +
                          " of another one; check that the configuration belongs to it";
    append(message, "missing", mismatch.missing);
    append(message, "unknown", mismatch.unknown);
    append(message, "of another shape or kind", mismatch.unfit);
    throw ModelError(message);
  }
  const torch::NoGradGuard no_grad;
  for (auto& [name, target] : targets) target.copy_(state.at(name));
}

void load_module_state(torch::nn::Module& module, const NamedTensors& state, const std::string& what) {
  NamedTensors targets = module_state(module);
  load_named_tensors(targets, state, what);
}

int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace noisescope::nn
