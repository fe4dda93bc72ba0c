#include "noisescope/nn/init.h"

#include <gtest/gtest.h>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "noisescope/core/error.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/unet.h"

namespace noisescope {
namespace {

struct Sample : torch::nn::Module, HasInitRules {
  explicit Sample(std::vector<InitRule> rules) : rules_(std::move(rules)) {
    linear = register_module("linear", torch::nn::Linear(400, 300));
    norm = register_module("norm", torch::nn::GroupNorm(2, 8));
    token = register_parameter("token", torch::full({64, 64}, 9.0f));
  }
  std::vector<InitRule> init_rules() const override { return rules_; }
  std::vector<InitRule> rules_;
  torch::nn::Linear linear{nullptr};
  torch::nn::GroupNorm norm{nullptr};
  Tensor token;
};

const InitRule kTokenRule{.parameter = "token", .kind = InitRule::Kind::normal, .value = 0.5};

TEST(InitializeParameters, DefaultRules) {
  Sample module({kTokenRule});
  initialize_parameters(module, Random(3));
  const double bound = 1 / std::sqrt(400.0);
  const Tensor weight = module.linear->weight;
  EXPECT_LE(weight.abs().max().item<double>(), bound * (1 + 1e-6));
  EXPECT_NEAR(weight.std().item<double>(), bound / std::sqrt(3.0), 0.01 * bound);
  EXPECT_NEAR(weight.mean().item<double>(), 0, 4 * bound / std::sqrt(3.0 * weight.numel()));
  EXPECT_LE(module.linear->bias.abs().max().item<double>(), bound * (1 + 1e-6));
  EXPECT_GT(module.linear->bias.abs().max().item<double>(), 0.9 * bound);
  EXPECT_TRUE(torch::equal(module.norm->weight, torch::ones({8})));
  EXPECT_TRUE(torch::equal(module.norm->bias, torch::zeros({8})));
  EXPECT_NEAR(module.token.std().item<double>(), 0.5, 0.03);
}

TEST(InitializeParameters, DependsOnSeedAndNameAlone) {
  Sample first({kTokenRule}), second({kTokenRule}), other({kTokenRule});
  initialize_parameters(first, Random(3));
  torch::randn({5});  // moves the global generator
  initialize_parameters(second, Random(3));
  initialize_parameters(other, Random(4));
  EXPECT_TRUE(torch::equal(first.linear->weight, second.linear->weight));
  EXPECT_TRUE(torch::equal(first.token, second.token));
  EXPECT_FALSE(torch::equal(first.linear->weight, other.linear->weight));
}

TEST(InitializeParameters, RulesAndParametersMustMatch) {
  Sample unruled({});
  EXPECT_THROW(initialize_parameters(unruled, Random(3)), ValueError);
  Sample misspelt({kTokenRule, InitRule{.parameter = "tokne"}});
  EXPECT_THROW(initialize_parameters(misspelt, Random(3)), ValueError);
}

TEST(UNetConstruction, LeavesTheGlobalGeneratorAsItWas) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const Tensor before = generator.get_state().clone();
  const UNet net{UNetOptions{}};
  EXPECT_TRUE(torch::equal(before, generator.get_state()));
}

TEST(UNetConstruction, StartsAsAFunctionOfTheSeed) {
  const UNet first(UNetOptions{}, Random(1)), again(UNetOptions{}, Random(1)), other(UNetOptions{}, Random(2));
  const NamedTensors a = module_state(*first), b = module_state(*again), c = module_state(*other);
  const std::string random_key = "enc.16x16_block0.conv1.weight";
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  EXPECT_FALSE(torch::equal(a.at(random_key), c.at(random_key)));
  for (const char* zero :
       {"null_condition", "out_conv.weight", "mid.4x4_block0.conv2.weight", "mid.4x4_block0.film.bias",
        "mid.4x4_block0.film_map.weight", "mid.4x4_block0.attn.out.weight"}) {
    EXPECT_EQ(a.at(zero).abs().max().item<float>(), 0) << zero;
  }
}

}  // namespace
}  // namespace noisescope
