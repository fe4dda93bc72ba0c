#include "noisescope/nn/optimizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numbers>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/nn/lr_schedule.h"

namespace noisescope {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json json = [] {
    std::ifstream file(NOISESCOPE_SOURCE_DIR "/tests/golden/optimizer.json");
    return nlohmann::json::parse(file);
  }();
  return json;
}

/// Parameter i of the golden, filled with 0.5 + i.
NamedTensors golden_parameters(torch::Dtype dtype) {
  const std::vector<std::pair<std::string, std::vector<int64_t>>> shapes = {
      {"bias", {3}}, {"gain", {}}, {"weight", {2, 3}}};
  NamedTensors parameters;
  double value = 0.5;
  for (const auto& [name, shape] : shapes) {
    parameters[name] = torch::full(shape, value++, dtype).requires_grad_();
  }
  return parameters;
}

/// The gradients of the golden's formula; the gain has none in every third step.
void set_gradients(NamedTensors& parameters, int64_t step) {
  double index = 0;
  for (auto& [name, parameter] : parameters) {
    const Tensor element = torch::arange(parameter.numel(), torch::kFloat64);
    const Tensor gradient = 3 * torch::sin(0.7 * element + 0.3 * static_cast<double>(step) + index);
    parameter.mutable_grad() = gradient.reshape(parameter.sizes()).to(parameter.dtype());
    if (name == "gain" && step % 3 == 2) parameter.mutable_grad() = Tensor();
    ++index;
  }
}

Tensor numbers(const nlohmann::json& list) { return torch::tensor(list.get<std::vector<double>>(), torch::kFloat64); }

class AdamWGolden : public ::testing::TestWithParam<torch::Dtype> {};

TEST_P(AdamWGolden, EqualsTorchOptimWithClippingDecayAndSkippedGradients) {
  NamedTensors parameters = golden_parameters(GetParam());
  Optimizer optimizer(parameters, {.weight_decay = golden()["weight_decay"]});
  const double tolerance = GetParam() == torch::kFloat64 ? 1e-6 : 2e-5;  // clip adds another 1e-6
  for (int64_t step = 0; step < golden()["steps"]; ++step) {
    set_gradients(parameters, step);
    const double norm = clip_gradients(parameters, golden()["max_norm"]).item<double>();
    EXPECT_NEAR(norm, golden()["adamw"]["norms"][static_cast<size_t>(step)], tolerance * norm);
    optimizer.step(golden()["learning_rate"]);
  }
  const NamedTensors state = optimizer.state();
  for (const auto& [name, parameter] : parameters) {
    const nlohmann::json& expected = golden()["adamw"][name];
    const auto close = [&](const Tensor& actual, const char* key) {
      EXPECT_TRUE(
          torch::allclose(actual.detach().flatten().to(torch::kFloat64), numbers(expected[key]), tolerance, tolerance))
          << name << " " << key;
    };
    close(parameter, "value");
    close(state.at(name + ".exp_avg"), "exp_avg");
    close(state.at(name + ".exp_avg_sq"), "exp_avg_sq");
    EXPECT_EQ(state.at(name + ".step").item<double>(), expected["step"]);
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, AdamWGolden, ::testing::Values(torch::kFloat64, torch::kFloat32));

/// The shapes of the golden, and its gradients of full rank.
NamedTensors golden_matrices() {
  return {{"tall", torch::full({6, 4}, 0.5, torch::kFloat64).requires_grad_()},
          {"wide", torch::full({3, 2, 2, 2}, 1.5, torch::kFloat64).requires_grad_()}};
}

void set_full_rank_gradients(NamedTensors& parameters, int64_t step) {
  double index = 0;
  for (auto& [name, parameter] : parameters) {
    const Tensor element = torch::arange(parameter.numel(), torch::kFloat64);
    parameter.mutable_grad() =
        (3 * torch::sin(element.square() + 0.3 * static_cast<double>(step) + index++)).reshape(parameter.sizes());
  }
}

TEST(Muon, EqualsTorchOptimUpToItsBfloat16) {
  NamedTensors parameters = golden_matrices();
  Optimizer optimizer(
      parameters,
      {.kind = OptimizerKind::muon, .momentum = 0.8, .update_rms = 0.2, .weight_decay = golden()["weight_decay"]});
  for (int64_t step = 0; step < golden()["steps"]; ++step) {
    set_full_rank_gradients(parameters, step);
    optimizer.step(golden()["learning_rate"]);
  }
  const double update = 0.2 * golden()["learning_rate"].get<double>();
  for (const auto& [name, parameter] : parameters) {
    const nlohmann::json& expected = golden()["muon"][name];
    const Tensor off = parameter.detach().flatten() - numbers(expected["value"]);
    EXPECT_LE(off.abs().max().item<double>() / (update * golden()["steps"].get<double>()), 0.01) << name;
    EXPECT_TRUE(torch::allclose(optimizer.state().at(name + ".exp_avg").flatten(), numbers(expected["exp_avg"])));
  }
}

TEST(Muon, UpdatesMatricesAloneAndLeavesTheRestToAdamW) {
  NamedTensors with = golden_parameters(torch::kFloat64), without = golden_parameters(torch::kFloat64);
  Optimizer muon(with, {.kind = OptimizerKind::muon}), adamw(without, {});
  set_gradients(with, 0);
  set_gradients(without, 0);
  muon.step(0.1);
  adamw.step(0.1);
  EXPECT_TRUE(torch::equal(with.at("bias"), without.at("bias")));
  EXPECT_TRUE(torch::equal(with.at("gain"), without.at("gain")));
  EXPECT_FALSE(torch::allclose(with.at("weight"), without.at("weight")));
  EXPECT_EQ(muon.state().count("weight.exp_avg_sq"), 0u);
}

class OptimizerKinds : public ::testing::TestWithParam<OptimizerKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, OptimizerKinds, ::testing::Values(OptimizerKind::adamw, OptimizerKind::muon));

TEST_P(OptimizerKinds, ALoadedStateGoesOnWithTheSameBits) {
  NamedTensors first = golden_parameters(torch::kFloat32);
  Optimizer optimizer(first, {.kind = GetParam()});
  const auto steps = [](Optimizer& stepped, NamedTensors& parameters, int64_t from, int64_t to) {
    for (int64_t step = from; step < to; ++step) {
      set_gradients(parameters, step);
      stepped.step(0.01);
    }
  };
  steps(optimizer, first, 0, 7);
  NamedTensors second = golden_parameters(torch::kFloat32);
  for (auto& [name, parameter] : second) parameter.detach().copy_(first.at(name).detach());
  Optimizer continued(second, {.kind = GetParam()});
  continued.load_state(optimizer.state(), "test");
  steps(optimizer, first, 7, 14);
  steps(continued, second, 7, 14);
  for (const auto& [name, parameter] : first) EXPECT_TRUE(torch::equal(parameter, second.at(name)));
}

TEST(Optimizer, RefusesTheStateOfOtherParametersAndStaysAsItWas) {
  Optimizer optimizer(golden_parameters(torch::kFloat32), {});
  NamedTensors state = optimizer.state();
  state.erase("bias.exp_avg");
  state["weight.step"] = torch::ones({}) * 5;
  EXPECT_THROW(optimizer.load_state(state, "test"), ModelError);
  EXPECT_EQ(optimizer.state().at("weight.step").item<double>(), 0);
}

TEST(Optimizer, RefusesNoParametersAndMixedDtypes) {
  EXPECT_THROW(Optimizer({}, {}), ValueError);
  NamedTensors mixed = golden_parameters(torch::kFloat32);
  mixed["weight"] = torch::zeros({2}, torch::kFloat64).requires_grad_();
  EXPECT_THROW(Optimizer(mixed, {}), ValueError);
}

TEST(ClipGradients, LargeOnesGetTheNormSmallOnesKeepTheirBits) {
  NamedTensors parameters = golden_parameters(torch::kFloat32);
  set_gradients(parameters, 0);
  const NamedTensors before = {{"weight", parameters["weight"].grad().clone()}};
  const double norm = clip_gradients(parameters, 1e6).item<double>();
  EXPECT_TRUE(torch::equal(parameters["weight"].grad(), before.at("weight")));
  EXPECT_NEAR(clip_gradients(parameters, 0).item<double>(), norm, 1e-5);
  clip_gradients(parameters, norm / 4);
  EXPECT_NEAR(clip_gradients(parameters, 0).item<double>(), norm / 4, 1e-5);
  EXPECT_TRUE(torch::allclose(parameters["weight"].grad(), before.at("weight") / 4));
}

TEST(ClipGradients, ZeroGradientsStayZeroAndNoneHaveNormZero) {
  NamedTensors parameters = golden_parameters(torch::kFloat32);
  EXPECT_EQ(clip_gradients(parameters, 1).item<double>(), 0);
  parameters["bias"].mutable_grad() = torch::zeros({3});
  EXPECT_EQ(clip_gradients(parameters, 1).item<double>(), 0);
  EXPECT_TRUE(torch::equal(parameters["bias"].grad(), torch::zeros({3})));
}

void expect_rates(const LrScheduleOptions& options, const char* name) {
  const nlohmann::json& expected = golden()["rates"][name];
  const auto steps = static_cast<double>(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(learning_rate_at(options, static_cast<int64_t>(i), static_cast<double>(i) / steps),
                expected[i].get<double>(), 1e-12)
        << name << " step " << i;
  }
}

TEST(LrSchedule, EqualsTheSchedulersOfTorch) {
  const double rate = golden()["learning_rate"];
  expect_rates({rate, golden()["warmup_steps"], Decay::constant, 0}, "warmup");
  expect_rates({rate, 0, Decay::linear, 0.1}, "linear");
  expect_rates({rate, 0, Decay::cosine, 0.1}, "cosine");
}

TEST(LrSchedule, WarmUpMultipliesTheDecayAndProgressIsClamped) {
  const LrScheduleOptions options{0.8, 4, Decay::linear, 0.0};
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 0, 0), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 1, 0.5), 0.8 * 0.5 * 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 3, 0.25), 0.8 * 0.75);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 9, 1.7), 0);
  EXPECT_DOUBLE_EQ(learning_rate_at({0.8, 0, Decay::cosine, 0.5}, 9, 1.7), 0.4);
}

}  // namespace
}  // namespace noisescope
