#include "noisescope/explain/metric/randomisation.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"
#include "noisescope/explain/metric/agreement.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {
namespace {

std::string layer_of(const std::string& parameter) {
  const size_t first = parameter.find('.');
  return parameter.substr(0, first == std::string::npos ? first : parameter.find('.', first + 1));
}

Tensor shuffled(const Tensor& values, const std::string& name, const Random& random) {
  const Tensor order = random.permutation(Purpose::explain, name_hash(name), values.numel());
  return values.flatten().index_select(0, order.to(values.device())).view(values.sizes());
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

UNet shuffled_copy(const UNet& network, const std::vector<std::string>& layers,
                   const Random& random) {
  const torch::NoGradGuard no_grad;
  const std::vector<std::string> known = layers_of(*network);
  for (const std::string& layer : layers) {
    if (std::find(known.begin(), known.end(), layer) == known.end()) {
      throw ValueError("[explain.shuffled_copy] expected a layer of the network, got '" + layer +
                       "'; did you mean '" + nearest_name(layer, known) + "'?");
    }
  }
  UNet copy(network->options());
  copy->to(network->parameters().front().device());
  load_module_state(*copy, module_state(*network), "the network");
  copy->train(network->is_training());
  for (auto& item : copy->named_parameters()) {
    if (std::find(layers.begin(), layers.end(), layer_of(item.key())) == layers.end()) continue;
    item.value().copy_(shuffled(item.value(), item.key(), random));
  }
  return copy;
}

WeightRandomisation randomise_all(const UNet& network, const MapsOfNetwork& maps,
                                  const Random& random) {
  const std::vector<std::string> layers = layers_of(*network);
  const Tensor changed = maps(shuffled_copy(network, layers, random));
  return {{layers.front()}, rank_correlation(maps(network), changed).cpu().unsqueeze(0)};
}

WeightRandomisation randomise_cascade(const UNet& network, const MapsOfNetwork& maps,
                                      const Random& random) {
  std::vector<std::string> layers = layers_of(*network);
  std::reverse(layers.begin(), layers.end());
  const Tensor original = maps(network);
  std::vector<Tensor> rows;
  for (size_t s = 1; s <= layers.size(); ++s) {
    const std::vector<std::string> destroyed(layers.begin(), layers.begin() + int64_t(s));
    rows.push_back(rank_correlation(original, maps(shuffled_copy(network, destroyed, random))).cpu());
  }
  return {layers, torch::stack(rows)};
}

}  // namespace noisescope
