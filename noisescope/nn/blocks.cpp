#include "noisescope/nn/blocks.h"

#include "noisescope/core/device.h"
#include "noisescope/nn/norm_film_silu.h"
#include "noisescope/nn/tap.h"

namespace noisescope::nn {
namespace {

constexpr int64_t kNormGroups = 8;

}  // namespace

torch::nn::GroupNorm group_norm(int64_t channels) {
  int64_t groups = std::min(kNormGroups, channels);
  while (channels % groups != 0) --groups;
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(groups, channels));
}

torch::nn::Conv2d convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2));
}

ResidualBlockImpl::ResidualBlockImpl(const UNetLayer& layer, const UNetOptions& options)
    : name_(layer.name),
      dropout_(options.dropout),
      norm1_(group_norm(layer.in_channels + layer.skip_channels)),
      norm2_(group_norm(layer.out_channels)),
      conv1_(convolution(layer.in_channels + layer.skip_channels, layer.out_channels, 3)),
      conv2_(convolution(layer.out_channels, layer.out_channels, 3)),
      film_(options.embedding_width, 2 * layer.out_channels) {
  register_module("norm1", norm1_);
  register_module("conv1", conv1_);
  register_module("film", film_);
  if (options.condition_map_channels > 0) {
    film_map_ = register_module("film_map", convolution(options.condition_map_channels, 2 * layer.out_channels, 1));
  }
  register_module("norm2", norm2_);
  register_module("conv2", conv2_);
  if (layer.in_channels + layer.skip_channels != layer.out_channels) {
    skip_ = register_module("skip", convolution(layer.in_channels + layer.skip_channels, layer.out_channels, 1));
  }
  if (layer.attention) {
    attention_ = register_module("attn", PixelAttention(layer.out_channels, options.head_width, name_ + ".attn"));
  }
}

std::vector<InitRule> ResidualBlockImpl::init_rules() const {
  std::vector<InitRule> rules = {{.parameter = "conv2.weight"},
                                 {.parameter = "conv2.bias"},
                                 {.parameter = "film.weight"},
                                 {.parameter = "film.bias"}};
  if (film_map_) {
    rules.push_back({.parameter = "film_map.weight"});
    rules.push_back({.parameter = "film_map.bias"});
  }
  return rules;
}

Tensor ResidualBlockImpl::drop(const Tensor& h, const DropoutStream& stream) const {
  if (dropout_ == 0 || !is_training()) return h;
  // Whole feature maps (Tompson et al. 2015, arXiv:1411.4280, section 3.2): B x C random numbers.
  const Tensor draw = stream.random.uniform(Purpose::dropout, name_hash(name_) + stream.step,
                                            sample_range(0, h.size(0)), {h.size(1), 1, 1}, torch::kFloat32);
  const Tensor keep = (draw >= dropout_).to(h.scalar_type()) / (1 - dropout_);
  return h * to_device(keep, h.device());
}

Tensor ResidualBlockImpl::residual_branch(const Tensor& x, const BlockContext& context) {
  Tensor h = conv1_(norm_film_silu(x, norm1_));
  h = norm_film_silu(h, norm2_, tap(name_, "film", context.film));
  return tap(name_, "residual", conv2_(drop(h, context.dropout)));
}

Tensor ResidualBlockImpl::forward(const Tensor& x, const BlockContext& context) {
  Tensor h = residual_branch(x, context) + (skip_ ? skip_(x) : x);
  if (attention_) h = h + tap(name_, "attn", attention_(h));
  return tap(name_, h);
}

}  // namespace noisescope::nn
