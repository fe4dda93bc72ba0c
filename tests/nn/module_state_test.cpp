#include "noisescope/nn/module_state.h"

#include <gtest/gtest.h>

#include <torch/nn/modules/linear.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

struct Pair : torch::nn::Module {
  Pair() {
    register_module("first", torch::nn::Linear(2, 3));
    register_module("second", torch::nn::Linear(3, 1));
    register_buffer("steps", torch::zeros({1}, torch::kInt64));
  }
};

NamedTensors copy_of(const torch::nn::Module& module) {
  NamedTensors copy;
  for (const auto& [name, tensor] : module_state(module)) copy[name] = tensor.clone();
  return copy;
}

TEST(ModuleState, HoldsParametersAndBuffersByName) {
  const Pair module;
  const NamedTensors state = module_state(module);
  std::vector<std::string> names;
  for (const auto& entry : state) names.push_back(entry.first);
  EXPECT_EQ(names, (std::vector<std::string>{"first.bias", "first.weight", "second.bias", "second.weight", "steps"}));
  EXPECT_FALSE(state.at("first.weight").requires_grad());
  EXPECT_EQ(parameter_count(module), 2 * 3 + 3 + 3 + 1);
}

TEST(ModuleState, RoundTripIsExactAndInPlace) {
  const Pair source;
  Pair target;
  const Tensor before = target.named_parameters()["first.weight"];
  load_module_state(target, copy_of(source), "a copy");
  for (const auto& [name, tensor] : module_state(source)) {
    EXPECT_TRUE(torch::equal(tensor, module_state(target).at(name))) << name;
  }
  EXPECT_TRUE(before.is_same(target.named_parameters()["first.weight"]));
  EXPECT_TRUE(before.requires_grad());
}

TEST(ModuleState, HalfPrecisionFilesAreWidened) {
  const Pair source;
  Pair target;
  NamedTensors half = copy_of(source);
  half["first.weight"] = half["first.weight"].to(torch::kBFloat16);
  load_module_state(target, half, "bf16");
  EXPECT_EQ(target.named_parameters()["first.weight"].scalar_type(), torch::kFloat32);
}

TEST(ModuleState, AllMismatchesAreListedAtOnceAndNothingIsWritten) {
  const Pair source;
  Pair target;
  const NamedTensors before = copy_of(target);
  NamedTensors wrong = copy_of(source);
  wrong.erase("first.bias");
  wrong.erase("second.bias");
  wrong["third.weight"] = torch::zeros({1});
  wrong["second.weight"] = torch::zeros({1, 4});
  wrong["steps"] = torch::zeros({1});
  std::string message;
  try {
    load_module_state(target, wrong, "weights.safetensors");
  } catch (const ModelError& error) {
    message = error.what();
  }
  for (const char* part : {"weights.safetensors", "missing (2): first.bias, second.bias", "unknown (1): third.weight",
                           "second.weight (expected [1, 3] float, got [1, 4] float)", "steps (expected"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << "\nin: " << message;
  }
  for (const auto& [name, tensor] : module_state(target)) {
    EXPECT_TRUE(torch::equal(tensor, before.at(name))) << name;
  }
}

}  // namespace
}  // namespace noisescope
