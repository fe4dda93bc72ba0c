// The network F(x, noise label, condition) of the denoiser: a U-Net (arXiv:1505.04597) of residual
// blocks, in the shape that DDPM (arXiv:2006.11239) gave it, small enough to learn on two cores.
//
//   stem (patch folded into channels, + coordinates, + condition map)
//   enc  blocks and strided convolutions, every output kept as a skip connection
//   mid  two blocks at the coarsest level, the first with attention
//   dec  blocks on (x, skip), nearest-neighbour upsampling and convolution
//
// Registered names are checkpoint keys and tap names: "enc.16x16_block0.conv1.weight".
#pragma once

#include <string>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "noisescope/core/random.h"
#include "noisescope/nn/blocks.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/embedding.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::nn {

class UNetImpl : public ConditionalNetwork, public HasInitRules {
 public:
  /// Parameters start as a function of `random` and their names; the global generator is untouched.
  /// Throws ValueError for options that no network can be built from.
  explicit UNetImpl(const UNetOptions& options, const Random& random = Random(0));

  /// x [B, C, H, W] of about unit variance, noise_label [B] (ln(sigma) / 4), condition [B, D]
  /// -> [B, C, H, W]. H and W may be any multiples of size_multiple(options). Sample k of a batch
  /// equals sample k alone up to rounding. Throws ShapeError for anything else.
  /// Taps: embedding, condition_map, the name of every layer, <dec block>.skip, out, and those of
  /// the blocks.
  Tensor forward(const Tensor& x, const Tensor& noise_label, const Tensor& condition) override;

  /// The learned stand-in for "no prompt": [D], zero at first, trained where it is used.
  Tensor null_condition() const override { return null_condition_; }

  /// What dropout depends on; with options.dropout > 0 a training forward is refused before the
  /// first call. Give the number of the training step (and of the micro-batch).
  void set_dropout_stream(const Random& random, uint64_t step) override;

  const UNetOptions& options() const override { return options_; }
  std::vector<InitRule> init_rules() const override;

 private:
  struct Stage {
    UNetLayer layer;
    torch::nn::Conv2d convolution{nullptr};
    ResidualBlock block{nullptr};
  };
  void add_stage(const UNetLayer& layer);
  void check_inputs(const Tensor& x, const Tensor& noise_label, const Tensor& condition) const;
  Tensor stem_input(const Tensor& x, const Tensor& condition_map) const;
  Tensor position_map(int64_t height, int64_t width) const;
  Tensor run_stage(Stage& stage, const Tensor& x, BlockContext& context, std::vector<Tensor>& skips);
  /// Of the blocks, in order.
  std::vector<Tensor> films(const Tensor& x, const Tensor& embedding, const Tensor& condition_map) const;

  UNetOptions options_;
  std::vector<Stage> stages_;
  JointEmbedding embedding_;
  ConditionMap condition_map_{nullptr};
  torch::nn::GroupNorm out_norm_;
  torch::nn::Conv2d out_conv_;
  Tensor null_condition_;
  Tensor position_;  // [1, channels[0], S, S] at the nominal size S; undefined: not learned
  DropoutStream dropout_;
  bool dropout_set_ = false;
};
TORCH_MODULE(UNet);

}  // namespace noisescope::nn
