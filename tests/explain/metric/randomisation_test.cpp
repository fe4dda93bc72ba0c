#include "noisescope/explain/metric/randomisation.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {
namespace {

/// A small network none of whose parameters is zero, as after some training.
NetworkPtr small_network() {
  UNetOptions o;
  o.image_size = 8;
  o.channels = {16, 16};
  o.attention_resolutions = {};
  o.head_width = 16;
  o.embedding_width = 16;
  o.condition_width = 6;
  o.condition_map_channels = 4;
  o.condition_map_size = 4;
  const NetworkPtr network = make_network(o);
  const torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    item.value().add_(Random(1).normal(Purpose::explain, name_hash(item.key()), {0}, item.value().sizes())[0], 0.1);
  }
  network->eval();
  return network;
}

const std::vector<int64_t> kIds = sample_range(0, 4);

/// What the condition changes in the answer: [1, B, H, W].
Tensor condition_maps(const NetworkPtr& network) {
  const torch::NoGradGuard no_grad;
  const Tensor x = Random(2).normal(Purpose::explain, 0, kIds, {3, 8, 8});
  const Tensor c = Random(3).normal(Purpose::explain, 0, kIds, {6});
  const Tensor label = torch::zeros({4});
  return (network->forward(x, label, c) - network->forward(x, label, -c)).square().sum(1).unsqueeze(0);
}

TEST(ShuffledCopy, KeepsTheNumbersOfEachParameterAndLeavesTheNetworkAlone) {
  const NetworkPtr network = small_network();
  const NamedTensors before = module_state(*network);
  std::map<std::string, Tensor> saved;
  for (const auto& [name, tensor] : before) saved[name] = tensor.clone();
  const NetworkPtr copy = shuffled_copy(network, layers_of(*network), Random(4));
  for (const auto& [name, tensor] : module_state(*copy)) {
    EXPECT_TRUE(before.at(name).equal(saved.at(name))) << name;
    EXPECT_TRUE(std::get<0>(tensor.flatten().sort()).equal(std::get<0>(saved.at(name).flatten().sort()))) << name;
    EXPECT_TRUE(tensor.numel() <= 16 || !tensor.equal(saved.at(name))) << name;
  }
}

TEST(ShuffledCopy, TouchesTheNamedLayersAlone) {
  const NetworkPtr network = small_network();
  const std::string last = layers_of(*network).back();
  const NetworkPtr copy = shuffled_copy(network, {last}, Random(4));
  const NamedTensors before = module_state(*network), after = module_state(*copy);
  int64_t changed = 0;
  for (const auto& [name, tensor] : after) {
    if (tensor.equal(before.at(name))) continue;
    EXPECT_TRUE(name.starts_with(last)) << name;
    ++changed;
  }
  EXPECT_GT(changed, 0);
  EXPECT_THROW(shuffled_copy(network, {"dec.no_such"}, Random(4)), ValueError);
}

TEST(Randomisation, DestroysMapsThatComeFromTheWeights) {
  const WeightRandomisation w = randomise_all(small_network(), condition_maps, Random(5), 2);
  EXPECT_EQ(w.correlation.sizes(), torch::IntArrayRef({2, 1, 4}));
  EXPECT_LT(w.correlation.mean().abs().item<double>(), 0.2);
  EXPECT_FALSE(w.correlation[0].equal(w.correlation[1]));
}

TEST(Randomisation, FindsMapsThatDoNot) {
  Tensor picture = Random(6).normal(Purpose::explain, 0, kIds, {8, 8}).unsqueeze(0);
  const WeightRandomisation w = randomise_all(
      small_network(), [&](const NetworkPtr&) { return picture; }, Random(5));
  EXPECT_NEAR(w.correlation.mean().item<double>(), 1, 1e-12);
  EXPECT_NEAR(w.own_correlation.mean().item<double>(), 1, 1e-12);
}

// Independent parts on a bowl that all maps of all networks share: the bowl alone makes them alike.
TEST(Randomisation, TheOwnPartIsBlindToWhatAllMapsShare) {
  const Tensor bowl = 10 * torch::linspace(-1, 1, 8).square().expand({8, 8});
  uint64_t call = 0;
  const MapsOfNetwork maps = [&](const NetworkPtr&) {
    return (bowl + Random(7).uniform(Purpose::explain, call++, sample_range(0, 40), {8, 8})).unsqueeze(0);
  };
  const WeightRandomisation w = randomise_all(small_network(), maps, Random(5));
  EXPECT_GT(w.correlation.mean().item<double>(), 0.8);
  EXPECT_NEAR(w.own_correlation.mean().item<double>(), 0, 0.06);  // 3 standard errors
}

// Scaled to {1/2, 3/2} and {1, 1}, whose mean is {3/4, 5/4}.
TEST(Randomisation, TheOwnPartByHand) {
  const Tensor maps = torch::tensor({1.0, 3.0, 2.0, 2.0}, torch::kDouble).view({1, 2, 1, 2});
  const Tensor own = torch::tensor({-0.25, 0.25, 0.25, -0.25}, torch::kDouble).view({1, 2, 1, 2});
  EXPECT_TRUE(own_part(maps).allclose(own, 0, 1e-12));
}

TEST(Randomisation, RefusesWhatDoesNotFit) {
  EXPECT_THROW(own_part(torch::ones({1, 1, 4, 4})), ValueError);
  EXPECT_THROW(own_part(torch::ones({2, 4, 4})), ShapeError);
  EXPECT_THROW(randomise_all(small_network(), condition_maps, Random(5), 0), ValueError);
}

TEST(Randomisation, TheCascadeRunsFromOutputToInputAndEndsWhereAllIsDestroyed) {
  const NetworkPtr network = small_network();
  const WeightRandomisation steps = randomise_cascade(network, condition_maps, Random(5));
  EXPECT_TRUE(steps.layers.front().starts_with("out")) << steps.layers.front();
  EXPECT_EQ(steps.layers.size(), layers_of(*network).size());
  EXPECT_TRUE(torch::allclose(steps.correlation[-1], randomise_all(network, condition_maps, Random(5)).correlation[0]));
}

}  // namespace
}  // namespace noisescope
