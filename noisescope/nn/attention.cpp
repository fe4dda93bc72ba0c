#include "noisescope/nn/attention.h"

#include <utility>

#include "noisescope/nn/blocks.h"
#include "noisescope/nn/precision.h"
#include "noisescope/nn/tap.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::nn {
namespace {

Tensor attention_probabilities(const Tensor& q, const Tensor& k, bool causal) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  Tensor logits = torch::matmul(q, k.transpose(-2, -1)).to(torch::kFloat32) * scale;
  if (causal) {
    const Tensor future = torch::ones({q.size(-2), k.size(-2)}, torch::dtype(torch::kBool).device(q.device())).triu(1);
    logits = logits.masked_fill(future, -std::numeric_limits<float>::infinity());
  }
  return torch::softmax(logits, -1);
}

/// The linear layer on the channels of each pixel, as a convolution: in channels last the same sums, and on processors
/// for which the matrix library has no kernels of its own twice as fast.
Tensor each_pixel(const Tensor& x, const torch::nn::Linear& layer) {
  return at::conv2d(x, layer->weight.unsqueeze(-1).unsqueeze(-1), layer->bias);
}

}  // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, std::string_view owner, bool causal) {
  if (detail::innermost_tap_scope == nullptr || !tap_has_listener(std::string(owner) + ".probs")) {
    return at::scaled_dot_product_attention(q, k, v, /*attn_mask=*/{}, /*dropout_p=*/0.0, causal);
  }
  const Tensor probs = tap(owner, "probs", attention_probabilities(q, k, causal));
  return torch::matmul(probs.to(v.scalar_type()), v);
}

PixelAttentionImpl::PixelAttentionImpl(int64_t channels, int64_t head_width, std::string tap_name)
    : heads_(attention_heads(channels, head_width)),
      tap_name_(std::move(tap_name)),
      norm_(register_module("norm", group_norm(channels))),
      qkv_(register_module("qkv", torch::nn::Linear(channels, 3 * channels))),
      out_(register_module("out", torch::nn::Linear(channels, channels))) {}

Tensor PixelAttentionImpl::forward(const Tensor& x) {
  const int64_t batch = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3);
  const std::vector<Tensor> qkv = each_pixel(norm_(x), qkv_)
                                      .permute({0, 2, 3, 1})
                                      .reshape({batch, pixels, 3, heads_, channels / heads_})
                                      .permute({2, 0, 3, 1, 4})  // [3, B, N, L, E]
                                      .unbind(0);
  const Tensor mixed = mix(qkv);
  const Tensor joined = mixed.transpose(1, 2).reshape({batch, x.size(2), x.size(3), channels});
  return each_pixel(joined.permute({0, 3, 1, 2}), out_);
}

Tensor PixelAttentionImpl::mix(const std::vector<Tensor>& qkv) {
  if (!qkv[0].is_cpu()) return attend(qkv[0], qkv[1], qkv[2], tap_name_);
  // The CPU's fused kernel has a backward pass for bfloat16 that takes ten times as long as float32's.
  const PrecisionScope scope(Precision::float32, torch::kCPU);
  const auto whole = [](const Tensor& half) {
    return half.to(torch::promoteTypes(half.scalar_type(), torch::kFloat32));
  };
  return attend(whole(qkv[0]), whole(qkv[1]), whole(qkv[2]), tap_name_);
}

std::vector<InitRule> PixelAttentionImpl::init_rules() const {
  return {{.parameter = "out.weight"}, {.parameter = "out.bias"}};
}

}  // namespace noisescope::nn
