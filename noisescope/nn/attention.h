// Self-attention over the pixels of a feature map.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "noisescope/core/tensor.h"
#include "noisescope/nn/init.h"

namespace noisescope::nn {

/// softmax(q k^T / sqrt(E)) v for q, k, v [B, N, L, E] -> [B, N, L, E] (arXiv:1706.03762, eq. 1).
/// One fused kernel, unless a tap listens to owner + ".probs": then the probabilities [B, N, L, L]
/// are computed in float32 and pass the tap on their way to v. The two agree to 1e-5.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, std::string_view owner, bool causal = false);

/// GroupNorm, multi-head attention among all pixels, projection (zero at first).
/// [B, C, H, W] -> [B, C, H, W], the residual branch: the caller adds it to its input.
/// Taps: <tap_name>.probs [B, N, HW, HW].
class PixelAttentionImpl : public torch::nn::Module, public HasInitRules {
 public:
  PixelAttentionImpl(int64_t channels, int64_t head_width, std::string tap_name);
  Tensor forward(const Tensor& x);
  std::vector<InitRule> init_rules() const override;

 private:
  Tensor mix(const std::vector<Tensor>& qkv);

  int64_t heads_;
  std::string tap_name_;
  torch::nn::GroupNorm norm_;
  torch::nn::Linear qkv_;
  torch::nn::Linear out_;
};
TORCH_MODULE(PixelAttention);

}  // namespace noisescope::nn
