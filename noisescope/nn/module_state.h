// A module as named tensors and back: what weight files, checkpoints and averages are made of.
#pragma once

#include <map>
#include <string>

#include "noisescope/core/tensor.h"
#include "noisescope/nn/network_fwd.h"

namespace noisescope::nn {

using NamedTensors = std::map<std::string, Tensor>;

/// Parameters and buffers by full name, sharing memory with the module.
NamedTensors module_state(const torch::nn::Module& module);

/// Copies `state` into the parameters and buffers of `module` in place, converting floating dtypes
/// and devices. Nothing is written unless everything fits: throws ModelError listing all missing,
/// all unknown and all mis-shaped names at once. `what` names the source in the message.
void load_module_state(torch::nn::Module& module, const NamedTensors& state, const std::string& what);

/// The same for tensors that belong to no module: copies `state` into `targets` in place.
void load_named_tensors(NamedTensors& targets, const NamedTensors& state, const std::string& what);

/// Number of trainable numbers.
int64_t parameter_count(const torch::nn::Module& module);

}  // namespace noisescope::nn
