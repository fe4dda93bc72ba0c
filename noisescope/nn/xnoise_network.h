// The network of the project that this one grew from, reproduced exactly for its checkpoints and for
// ablations; docs/methods/xnoise_network.md is the account.
//
//   down0         two convolution blocks and a 1x1 shortcut           d0 [C1, S, S]
//   down1, down2  two blocks, 2x2 pixels into channels, a block       d1 [C2, S/2], d2 [C3, S/4]
//   dense_emb     all of d2 through two linear maps of inner width C2
//   up0           a block
//   up1, up2      c * h + t joined with d2 (d1), transposed convolution, four blocks
//   out           joined with d0, two convolutions
//
// Its quirks, kept on purpose: the dense bottleneck fixes the image size and is where position enters;
// noise level and condition reach two decoder stages alone; the condition multiplies without "1 +";
// the time sinusoid reads t / T in [0, 1), so that its upper frequencies hardly move; "no prompt" is
// the zero vector, not a learned one. Registered names are the keys of xNoise's checkpoints.
#pragma once

#include <memory>
#include <vector>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "noisescope/nn/conditional_network.h"

namespace noisescope::nn {

/// gelu(norm(conv3x3(x))), exact GELU (erf).
class XNoiseBlockImpl : public torch::nn::Module {
 public:
  XNoiseBlockImpl(int64_t in, int64_t out, int64_t groups);
  Tensor forward(const Tensor& x);

 private:
  torch::nn::Conv2d conv_;
  torch::nn::GroupNorm norm_;
};
TORCH_MODULE(XNoiseBlock);

/// Throws ValueError for options that no seed network can be built from: three widths,
/// multiples of 32, an image size that 4 divides, an even time width of 4 or more.
void check_xnoise_options(const UNetOptions& options);

/// [B] -> [B, width]: sin(t f_i), then cos(t f_i), f_i = 10000^(-i / (width / 2 - 1)).
Tensor xnoise_sinusoid(const Tensor& t, int64_t width);

/// Reads of `options`: in_channels, image_size S, channels (C1, C2, C3), condition_width, and
/// embedding_width as the width of the time sinusoid (8 in xNoise).
class XNoiseNetworkImpl : public ConditionalNetwork {
 public:
  explicit XNoiseNetworkImpl(const UNetOptions& options, const Random& random = Random(0));

  /// x [B, C, S, S] (variance preserving), noise_label [B]: (t - 1) / T with t in 1..T
  /// (NoiseLabel::timestep_share), condition [B, D] raw -> eps [B, C, S, S].
  /// Taps: down0, down1, down2, bottleneck, up0, up1, up2, out.
  Tensor forward(const Tensor& x, const Tensor& noise_label, const Tensor& condition) override;

  /// Zeros [D], fixed.
  Tensor null_condition() const override;
  const UNetOptions& options() const override { return options_; }

 private:
  struct Mlp {
    torch::nn::Linear in{nullptr}, out{nullptr};
    Tensor operator()(const Tensor& x);
  };
  struct Down {
    XNoiseBlock first{nullptr}, second{nullptr}, pooled{nullptr};
    Tensor operator()(const Tensor& x);
  };
  struct Up {
    torch::nn::ConvTranspose2d grow{nullptr};
    std::vector<XNoiseBlock> blocks;
    Tensor operator()(const Tensor& x, const Tensor& skip);
  };

  void add_stem();
  Mlp add_mlp(const std::string& name, const std::string& inner, int64_t in, int64_t hidden, int64_t out);
  Mlp add_embedding(const std::string& name, int64_t in, int64_t out);
  Down add_down(const std::string& name, int64_t in, int64_t out);
  Up add_up(const std::string& name, int64_t in, int64_t out);
  void add_out();
  void check_inputs(const Tensor& x, const Tensor& noise_label, const Tensor& condition) const;
  Tensor stem(const Tensor& x);
  Tensor bottleneck(const Tensor& x);

  UNetOptions options_;
  XNoiseBlock stem1_{nullptr}, stem2_{nullptr};
  torch::nn::Conv2d shortcut_{nullptr};  // empty: the identity
  Down down1_, down2_;
  Mlp dense_, time1_, time2_, context1_, context2_;
  XNoiseBlock up0_{nullptr};
  Up up1_, up2_;
  torch::nn::Conv2d out1_{nullptr}, out2_{nullptr};
  torch::nn::GroupNorm out_norm_{nullptr};
};
TORCH_MODULE(XNoiseNetwork);

}  // namespace noisescope::nn
