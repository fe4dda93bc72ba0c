// The residual block of the U-Net.
#pragma once

#include <string>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"
#include "noisescope/nn/attention.h"
#include "noisescope/nn/init.h"
#include "noisescope/nn/modulations.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::nn {

/// GroupNorm with 8 groups, or fewer where 8 does not divide the channels.
torch::nn::GroupNorm group_norm(int64_t channels);

/// A 2-D convolution of odd kernel with the padding that keeps the size (up to the stride).
torch::nn::Conv2d convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1);

/// Which feature maps dropout keeps in a training step: a pure function of (seed, step, block,
/// sample), as all randomness here.
struct DropoutStream {
  Random random{0};
  uint64_t step = 0;
};

/// What a block is told besides its input.
struct BlockContext {
  Tensor film;  // [B, 2 out, h, w] of its modulation layers, not larger than its input
  DropoutStream dropout = {};
};

/// x -> skip(x) + conv2(silu(scale * norm2(conv1(silu(norm1(x)))) + shift)), then attention.
/// (scale - 1, shift) = film(embedding) + film_map(condition map): feature-wise modulation
/// (FiLM, arXiv:1709.07871, eq. 1-2) whose strength varies over the image. The map is what lets the
/// condition say where: without it a translation-equivariant network learns what long before where.
/// conv2, film, film_map and the attention's output start at zero, so a fresh block is its skip.
/// Taps: <name>.film [B, 2 out, h, w] (scale - 1, then shift, before they grow), <name>.residual, <name>.attn, <name>.
class ResidualBlockImpl : public torch::nn::Module, public HasInitRules {
 public:
  ResidualBlockImpl(const UNetLayer& layer, const UNetOptions& options);

  /// x [B, in + skip, H, W] -> [B, out, H, W].
  Tensor forward(const Tensor& x, const BlockContext& context);
  std::vector<InitRule> init_rules() const override;
  /// The layers that make its film at inputs of this size.
  ModulationLayers modulation(int64_t height, int64_t width) const { return {film_, film_map_, height, width}; }

 private:
  Tensor residual_branch(const Tensor& x, const BlockContext& context);
  Tensor drop(const Tensor& h, const DropoutStream& stream) const;

  std::string name_;
  double dropout_;
  torch::nn::GroupNorm norm1_, norm2_;
  torch::nn::Conv2d conv1_, conv2_;
  torch::nn::Linear film_;
  torch::nn::Conv2d film_map_{nullptr}, skip_{nullptr};
  PixelAttention attention_{nullptr};
};
TORCH_MODULE(ResidualBlock);

}  // namespace noisescope::nn
