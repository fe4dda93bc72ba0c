#include "noisescope/explain/metric/randomisation.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/explain/answer.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/stats/ranks.h"

namespace noisescope::explain {
namespace {

std::string layer_of(const std::string& parameter) {
  const size_t first = parameter.find('.');
  return parameter.substr(0, first == std::string::npos ? first : parameter.find('.', first + 1));
}

Tensor shuffled(const Tensor& values, const std::string& name, const Random& random) {
  const Tensor order = random.permutation(Purpose::explain, name_hash(name), values.numel());
  return values.flatten().index_select(0, order.to(values.device())).view(values.sizes());
}

/// [K, B] rank correlations over pixels.
Tensor agreement(const Tensor& maps, const Tensor& others) {
  return rank_correlation(maps.flatten(2).flatten(0, 1), others.flatten(2).flatten(0, 1))
      .view({maps.size(0), maps.size(1)});
}

/// Maps of changed networks beside those of the network as it is.
WeightRandomisation compare(const MapsOfNetwork& maps, const NetworkPtr& network,
                            const std::vector<std::string>& layers,
                            const std::function<NetworkPtr(size_t s)>& changed) {
  const Tensor original = maps(network).to(torch::kCPU, torch::kFloat64);
  const Tensor own = own_part(original);
  std::vector<Tensor> whole, parts;
  for (size_t s = 0; s < layers.size(); ++s) {
    const Tensor others = maps(changed(s)).to(torch::kCPU, torch::kFloat64);
    whole.push_back(agreement(original, others));
    parts.push_back(agreement(own, own_part(others)));
  }
  return {layers, torch::stack(whole), torch::stack(parts)};
}

}  // namespace

std::vector<std::string> layers_of(const torch::nn::Module& network) {
  std::vector<std::string> layers;
  for (const auto& item : network.named_parameters()) {
    const std::string layer = layer_of(item.key());
    if (std::find(layers.begin(), layers.end(), layer) == layers.end()) layers.push_back(layer);
  }
  return layers;
}

NetworkPtr shuffled_copy(const NetworkPtr& network, const std::vector<std::string>& layers, const Random& random) {
  const torch::NoGradGuard no_grad;
  const std::vector<std::string> known = layers_of(*network);
  for (const std::string& layer : layers) {
    if (std::find(known.begin(), known.end(), layer) == known.end()) {
      throw ValueError("[explain.shuffled_copy] expected a layer of the network, got '" + layer + "'; did you mean '" +
                       nearest_name(layer, known) + "'?");
    }
  }
  const NetworkPtr copy = make_network(network->options());
  copy->to(network->parameters().front().device());
  load_module_state(*copy, module_state(*network), "the network");
  copy->train(network->is_training());
  for (auto& item : copy->named_parameters()) {
    if (std::find(layers.begin(), layers.end(), layer_of(item.key())) == layers.end()) continue;
    item.value().copy_(shuffled(item.value(), item.key(), random));
  }
  return copy;
}

Tensor own_part(const Tensor& maps) {
  check_shape("explain.own_part", "maps", maps, {-1, -1, -1, -1});
  if (maps.size(1) < 2) {
    throw ValueError(format_text("[explain.own_part] expected maps of at least 2 pictures, got {}", maps.size(1)));
  }
  const Tensor size = maps.abs().mean({2, 3}, true);
  const Tensor scaled = maps / torch::where(size > 0, size, torch::ones_like(size));
  return scaled - scaled.mean(1, true);
}

WeightRandomisation randomise_all(const NetworkPtr& network, const MapsOfNetwork& maps, const Random& random,
                                  int64_t shuffles) {
  if (shuffles < 1) {
    throw ValueError(format_text("[explain.randomise_all] expected at least one shuffle, got {}", shuffles));
  }
  const std::vector<std::string> layers = layers_of(*network);
  const std::vector<std::string> last(static_cast<size_t>(shuffles), layers.front());
  return compare(maps, network, last,
                 [&](size_t s) { return shuffled_copy(network, layers, Random(random.seed() + s)); });
}

WeightRandomisation randomise_cascade(const NetworkPtr& network, const MapsOfNetwork& maps, const Random& random) {
  std::vector<std::string> layers = layers_of(*network);
  std::reverse(layers.begin(), layers.end());
  return compare(maps, network, layers, [&](size_t s) {
    return shuffled_copy(network, {layers.begin(), layers.begin() + static_cast<int64_t>(s) + 1}, random);
  });
}

void describe(AnswerDescriber& d, const WeightRandomisation& a) {
  d("layers", a.layers, "shuffle", "", "the layer that was shuffled last");
  d("correlation", a.correlation, "shuffle kind picture", "rank correlation", "with the maps of the network as it is",
    {.x = "layers", .null = 0, .is_signed = true});
  d("own_correlation", a.own_correlation, "shuffle kind picture", "rank correlation",
    "the same of what a map says of its picture and not of any", {.x = "layers", .null = 0, .is_signed = true});
}

}  // namespace noisescope::explain
