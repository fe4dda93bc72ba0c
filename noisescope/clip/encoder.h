// The transformer that both towers of CLIP are made of: pre-norm blocks of attention and MLP.
// Registered names are those of transformers' CLIPEncoder, so weights pass both ways.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "noisescope/clip/clip_options.h"
#include "noisescope/core/tensor.h"
#include "noisescope/nn/init.h"

namespace noisescope::clip {

/// One pre-norm block: x + attention(norm(x)), then x + MLP(norm(x)).
class EncoderLayerImpl : public torch::nn::Module, public HasInitRules {
 public:
  EncoderLayerImpl(const EncoderOptions& options, bool causal, std::string tap_name);
  /// [B, L, D] -> [B, L, D]. Taps: <tap_name>.attn.probs [B, N, L, L], <tap_name>.attn and
  /// <tap_name>.mlp (what the two branches add), <tap_name> (the result).
  Tensor forward(const Tensor& x);
  /// Row `position` [B] int64 of forward(x) alone, [B, D]; no taps.
  Tensor forward_at(const Tensor& x, const Tensor& position);
  std::vector<InitRule> init_rules() const override;

 private:
  Tensor heads_of(const Tensor& x) const;
  Tensor attention(const Tensor& x);
  Tensor mlp(const Tensor& x);

  EncoderOptions options_;
  bool causal_;
  std::string tap_name_;
  torch::nn::Linear q_proj_, k_proj_, v_proj_, out_proj_;
  torch::nn::LayerNorm layer_norm1_, layer_norm2_;
  torch::nn::Linear fc1_, fc2_;
};
TORCH_MODULE(EncoderLayer);

/// layers.0 ... layers.<n-1>; taps are named <tap_prefix>.block0 and so on.
class EncoderImpl : public torch::nn::Module {
 public:
  EncoderImpl(const EncoderOptions& options, bool causal, const std::string& tap_prefix);
  /// [B, L, D] -> [B, L, D], not normalised at the end; without the last `skip` blocks.
  Tensor forward(Tensor x, int64_t skip = 0);
  /// Row `position` [B] int64 of forward(x), [B, D], equal to rounding. Where nobody listens to taps
  /// the last block computes no other row: a fifth of a training step of a small CLIP.
  Tensor forward_at(Tensor x, const Tensor& position);

 private:
  std::vector<EncoderLayer> layers_;
};
TORCH_MODULE(Encoder);

/// A LayerNorm of the width and eps of the encoder.
torch::nn::LayerNorm layer_norm(const EncoderOptions& options);

/// A module that only groups others under a name.
std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& parent, const char* name);

}  // namespace noisescope::clip
