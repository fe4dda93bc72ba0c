// What the blocks are told: noise level and condition as a vector, condition as a map.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "noisescope/core/tensor.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::nn {

/// Sines and cosines of `label` [B] at `count`/2 geometrically spaced angular frequencies from 200
/// down to 0.2: [B, count] (positional encoding of arXiv:1706.03762, section 3.5). For a label of
/// ln(sigma)/4, which spans about [-1, 1], they resolve noise levels 3 % apart and still tell the
/// ends of the range from each other.
Tensor sinusoid_features(const Tensor& label, int64_t count);

/// silu(mlp(features of the noise label) + linear(condition)): [B], [B, D] -> [B, E].
class JointEmbeddingImpl : public torch::nn::Module {
 public:
  explicit JointEmbeddingImpl(const UNetOptions& options);
  Tensor forward(const Tensor& noise_label, const Tensor& condition);

 private:
  torch::nn::Linear noise1_, noise2_, condition_;
};
TORCH_MODULE(JointEmbedding);

/// A two-layer perceptron from the condition to a small map: [B, D] -> [B, M, s, s].
class ConditionMapImpl : public torch::nn::Module {
 public:
  explicit ConditionMapImpl(const UNetOptions& options);
  Tensor forward(const Tensor& condition);

 private:
  int64_t channels_, size_;
  torch::nn::Linear hidden_, out_;
};
TORCH_MODULE(ConditionMap);

/// x and y in [-1, 1] from edge pixel to edge pixel: [1, 2, H, W], rows (y) first.
Tensor coordinate_channels(int64_t height, int64_t width, const torch::TensorOptions& options);

}  // namespace noisescope::nn
