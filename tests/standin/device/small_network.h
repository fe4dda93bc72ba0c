// A U-Net with everything in it that a U-Net can have, and pictures of noise to train it on.
#pragma once

#include <torch/nn/module.h>

#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/unet.h"
#include "noisescope/train/trainer.h"

namespace noisescope::test {

inline UNetOptions small_unet() {
  return {.image_size = 16,
          .channels = {16, 32},
          .attention_resolutions = {8, 4},
          .head_width = 16,
          .embedding_width = 32,
          .condition_width = 12,
          .condition_map_channels = 4,
          .condition_map_size = 4,
          .dropout = 0.1};
}

/// The same weights on any device, none of them 0.
inline std::shared_ptr<ConditionalNetwork> small_network(torch::Device device) {
  const std::shared_ptr<ConditionalNetwork> network = make_network(small_unet(), Random(5));
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : module_state(*network)) {
    const Tensor noise = Random(6).normal(Purpose::explain, name_hash(name), {0}, parameter.sizes());
    parameter.add_(noise.view(parameter.sizes()), 0.03);
  }
  network->to(device);
  return network;
}

inline Tensor small_pictures(int64_t first, int64_t count) {
  return Random(3).uniform(Purpose::scene, 0, sample_range(first, count), {3, 16, 16}) * 2 - 1;
}

inline Tensor small_conditions(int64_t first, int64_t count) {
  return Random(4).normal(Purpose::caption, 0, sample_range(first, count), {12});
}

inline TrainBatch small_batch(int64_t first, int64_t count) {
  return {small_pictures(first % 32, count), small_conditions(first % 32, count)};
}

inline TrainableModel trainable(const std::shared_ptr<ConditionalNetwork>& network, torch::Device device) {
  return {network,
          [network](const Tensor& x, const Tensor& label, const Tensor& condition) {
            return network->forward(x, label, condition);
          },
          network->null_condition(), device,
          [network](int64_t first) { network->set_dropout_stream(Random(8), static_cast<uint64_t>(first)); }};
}

}  // namespace noisescope::test
