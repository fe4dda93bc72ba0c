#include "noisescope/nn/xnoise_network.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/cost.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {
namespace {

UNetOptions tiny_options() {
  UNetOptions options;
  options.kind = NetworkKind::xnoise;
  options.channels = {32, 32, 32};
  options.embedding_width = 8;
  options.condition_width = 16;
  return options;
}

/// xNoise's own weights, inputs and outputs.
const TensorFile& xnoise_golden() {
  static const TensorFile file = read_safetensors(NOISESCOPE_SOURCE_DIR "/tests/golden/xnoise-network.safetensors");
  return file;
}

NamedTensors golden_weights() {
  constexpr std::string_view kPrefix = "weights.";
  NamedTensors weights;
  for (const auto& [name, value] : xnoise_golden().tensors) {
    if (name.starts_with(kPrefix)) weights[name.substr(kPrefix.size())] = value;
  }
  return weights;
}

TEST(XNoiseNetwork, AnswersAsXNoiseDoes) {
  const auto network = make_network(tiny_options());
  load_module_state(*network, golden_weights(), "golden");
  const torch::NoGradGuard no_grad;
  const Tensor condition = xnoise_golden().at("context") * xnoise_golden().at("context_mask");
  const Tensor output = network->forward(xnoise_golden().at("x"), xnoise_golden().at("t") / 300, condition);
  EXPECT_LT((output - xnoise_golden().at("output")).abs().max().item<double>(), 1e-5);
}

TEST(XNoiseNetwork, ItsParametersAreThoseOfTheCheckpoint) {
  NamedTensors names = module_state(*make_network(tiny_options()));
  for (const auto& [name, value] : golden_weights()) {
    ASSERT_TRUE(names.contains(name)) << name;
    EXPECT_EQ(names[name].sizes(), value.sizes()) << name;
    names.erase(name);
  }
  EXPECT_TRUE(names.empty());
}

TEST(XNoiseNetwork, NoPromptIsTheZeroVector) {
  const auto network = make_network(tiny_options());
  EXPECT_TRUE(torch::equal(network->null_condition(), torch::zeros({16})));
}

// frequencies 1, 10000^(-1/3), 10000^(-2/3), 1/10000
TEST(XNoiseNetwork, TheSinusoidHandCounted) {
  const Tensor row = xnoise_sinusoid(torch::full({1}, 0.5, torch::kFloat64), 8)[0];
  for (int64_t i = 0; i < 4; ++i) {
    const double angle = 0.5 * std::pow(10000.0, -static_cast<double>(i) / 3);
    EXPECT_NEAR(row[i].item<double>(), std::sin(angle), 1e-12);
    EXPECT_NEAR(row[i + 4].item<double>(), std::cos(angle), 1e-12);
  }
}

TEST(XNoiseNetwork, ImagesOfAnotherSizeAreRefused) {
  const auto network = make_network(tiny_options());
  EXPECT_THROW(network->forward(torch::zeros({1, 3, 64, 64}), torch::zeros({1}), torch::zeros({1, 16})), ShapeError);
  UNetOptions odd = tiny_options();
  odd.image_size = 30;
  EXPECT_THROW(make_network(odd), ValueError);
  odd = tiny_options();
  odd.channels = {32, 48, 64};
  EXPECT_THROW(make_network(odd), ValueError);
  odd.channels = {32, 64};
  EXPECT_THROW(network_cost(odd), ValueError);
}

TEST(XNoiseNetworkCost, CountsTheParametersOfTheRealNetwork) {
  UNetOptions wider = tiny_options();
  wider.channels = {32, 64, 96};
  wider.image_size = 16;
  for (const UNetOptions& options : {tiny_options(), wider}) {
    EXPECT_EQ(network_cost(options).parameters, parameter_count(*make_network(options)));
  }
}

// The sizes that xNoise's document states: 41, 178 and 401 million.
TEST(XNoiseNetworkCost, OfTheThreeSizes) {
  UNetOptions options = tiny_options();
  options.condition_width = 512;
  const std::vector<std::pair<std::vector<int64_t>, int64_t>> sizes = {
      {{128, 256, 512}, 41}, {{512, 512, 1024}, 178}, {{768, 768, 1536}, 401}};
  for (const auto& [channels, millions] : sizes) {
    options.channels = channels;
    EXPECT_NEAR(1e-6 * static_cast<double>(network_cost(options).parameters), static_cast<double>(millions), 0.5);
  }
}

}  // namespace
}  // namespace noisescope
