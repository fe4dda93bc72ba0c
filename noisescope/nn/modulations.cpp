#include "noisescope/nn/modulations.h"

#include <algorithm>
#include <map>
#include <utility>

#include "noisescope/nn/precision.h"

namespace noisescope::nn {
namespace {

/// One layer whose outputs are those of several.
struct Joined {
  Tensor weight, bias;
  std::vector<int64_t> widths;  // outputs of each

  explicit Joined(const std::vector<std::pair<Tensor, Tensor>>& layers) {
    std::vector<Tensor> weights, biases;
    for (const auto& [w, b] : layers) {
      weights.push_back(w);
      biases.push_back(b);
      widths.push_back(w.size(0));
    }
    weight = torch::cat(weights);
    bias = torch::cat(biases);
  }
};

std::vector<Tensor> from_embedding(const std::vector<ModulationLayers>& blocks, const Tensor& embedding) {
  std::vector<std::pair<Tensor, Tensor>> layers;
  for (const ModulationLayers& block : blocks) layers.emplace_back(block.film->weight, block.film->bias);
  const Joined all(layers);
  return at::linear(embedding, all.weight, all.bias).unsqueeze(-1).unsqueeze(-1).split_with_sizes(all.widths, 1);
}

/// Adds to `films` of the blocks `members` what they make of the map.
void add_from_map(const std::vector<ModulationLayers>& blocks, const std::vector<size_t>& members, const Tensor& map,
                  std::vector<Tensor>& films) {
  std::vector<std::pair<Tensor, Tensor>> layers;
  for (const size_t k : members) layers.emplace_back(blocks[k].film_map->weight, blocks[k].film_map->bias);
  const Joined all(layers);
  const std::vector<Tensor> parts = at::conv2d(map, all.weight, all.bias).split_with_sizes(all.widths, 1);
  for (size_t i = 0; i < members.size(); ++i) films[members[i]] = films[members[i]] + parts[i];
}

}  // namespace

std::vector<Tensor> modulations(const std::vector<ModulationLayers>& blocks, const Tensor& embedding,
                                const Tensor& condition_map) {
  const PrecisionScope scope(Precision::float32, embedding.device());
  std::vector<Tensor> films = from_embedding(blocks, embedding);
  if (!condition_map.defined()) return films;
  const Tensor map = condition_map.contiguous(kChannelsLast);
  std::map<std::pair<int64_t, int64_t>, std::vector<size_t>> by_size;
  for (size_t k = 0; k < blocks.size(); ++k) {
    by_size[{std::min(blocks[k].height, map.size(2)), std::min(blocks[k].width, map.size(3))}].push_back(k);
  }
  for (const auto& [size, members] : by_size) {
    const auto [height, width] = size;
    const bool whole = height == map.size(2) && width == map.size(3);
    add_from_map(blocks, members, whole ? map : at::adaptive_avg_pool2d(map, {height, width}), films);
  }
  return films;
}

}  // namespace noisescope::nn
