#include "noisescope/clip/encoder.h"

#include <cmath>
#include <optional>

#include "noisescope/core/format.h"
#include "noisescope/nn/attention.h"
#include "noisescope/nn/tap.h"

namespace noisescope::clip {
namespace {

constexpr double kQuickGelu = 1.702;

Tensor activate(const Tensor& x, ClipActivation activation) {
  return activation == ClipActivation::gelu ? at::gelu(x) : x * at::sigmoid(kQuickGelu * x);
}

/// fc2(activate(fc1(x))) where no graph keeps what is between: one pass over it, in place, and no memory of its size
/// but its own, which costs more than the arithmetic. quick_gelu(h) = silu(1.702 h) / 1.702: the products take the
/// factors. x [.., D].
Tensor mlp_in_place(const torch::nn::Linear& fc1, const torch::nn::Linear& fc2, const Tensor& x,
                    ClipActivation activation) {
  const double factor = activation == ClipActivation::gelu ? 1 : kQuickGelu;
  Tensor hidden = at::addmm(fc1->bias, x.flatten(0, -2), fc1->weight.t(), factor, factor);
  activation == ClipActivation::gelu ? at::gelu_(hidden) : at::silu_(hidden);
  return at::addmm(fc2->bias, hidden, fc2->weight.t(), 1, 1 / factor).view(x.sizes());
}

/// x[b, position[b]] of x [B, L, D].
Tensor row_at(const Tensor& x, const Tensor& position) {
  return x.index({torch::arange(x.size(0), x.device()), position});
}

}  // namespace

torch::nn::LayerNorm layer_norm(const EncoderOptions& options) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({options.width}).eps(options.norm_eps));
}

std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& parent, const char* name) {
  return parent.register_module(name, std::make_shared<torch::nn::Module>(name));
}

EncoderLayerImpl::EncoderLayerImpl(const EncoderOptions& options, bool causal, std::string tap_name)
    : options_(options),
      causal_(causal),
      tap_name_(std::move(tap_name)),
      q_proj_(options.width, options.width),
      k_proj_(options.width, options.width),
      v_proj_(options.width, options.width),
      out_proj_(options.width, options.width),
      layer_norm1_(layer_norm(options)),
      layer_norm2_(layer_norm(options)),
      fc1_(options.width, options.mlp_size()),
      fc2_(options.mlp_size(), options.width) {
  const auto self_attn = register_group(*this, "self_attn");
  self_attn->register_module("q_proj", q_proj_);
  self_attn->register_module("k_proj", k_proj_);
  self_attn->register_module("v_proj", v_proj_);
  self_attn->register_module("out_proj", out_proj_);
  register_module("layer_norm1", layer_norm1_);
  const auto mlp = register_group(*this, "mlp");
  mlp->register_module("fc1", fc1_);
  mlp->register_module("fc2", fc2_);
  register_module("layer_norm2", layer_norm2_);
}

/// [B, L, D] -> [B, N, L, D / N]
Tensor EncoderLayerImpl::heads_of(const Tensor& x) const {
  return x.view({x.size(0), x.size(1), options_.heads, x.size(2) / options_.heads}).transpose(1, 2);
}

Tensor EncoderLayerImpl::attention(const Tensor& x) {
  const Tensor mixed =
      attend(heads_of(q_proj_(x)), heads_of(k_proj_(x)), heads_of(v_proj_(x)), tap_name_ + ".attn", causal_);
  return out_proj_(mixed.transpose(1, 2).reshape(x.sizes()));
}

Tensor EncoderLayerImpl::mlp(const Tensor& x) {
  if (!at::GradMode::is_enabled()) return mlp_in_place(fc1_, fc2_, x, options_.activation);
  return fc2_(activate(fc1_(x), options_.activation));
}

Tensor EncoderLayerImpl::forward(const Tensor& x) {
  const Tensor mixed = x + tap(tap_name_, "attn", attention(layer_norm1_(x)));
  return tap(tap_name_, mixed + tap(tap_name_, "mlp", mlp(layer_norm2_(mixed))));
}

Tensor EncoderLayerImpl::forward_at(const Tensor& x, const Tensor& position) {
  const Tensor keys = layer_norm1_(x), query = row_at(keys, position);
  std::optional<Tensor> mask;
  if (causal_) {  // [B, 1, 1, L]: what the row may see
    mask = (torch::arange(x.size(1), x.device()) <= position.unsqueeze(1)).unsqueeze(1).unsqueeze(1);
  }
  const Tensor mixed = at::scaled_dot_product_attention(heads_of(q_proj_(query).unsqueeze(1)), heads_of(k_proj_(keys)),
                                                        heads_of(v_proj_(keys)), mask);
  const Tensor after = row_at(x, position) + out_proj_(mixed.reshape(query.sizes()));
  return after + mlp(layer_norm2_(after));
}

/// As OpenAI's CLIP starts: residual branches shrink with depth.
std::vector<InitRule> EncoderLayerImpl::init_rules() const {
  const auto width = static_cast<double>(options_.width);
  const double in_std = 1 / std::sqrt(width);
  const double out_std = in_std / std::sqrt(2.0 * static_cast<double>(options_.layers));
  const double mlp_std = 1 / std::sqrt(2 * width);
  const auto normal = [](const char* name, double std) {
    return InitRule{.parameter = name, .kind = InitRule::Kind::normal, .value = std};
  };
  return {normal("self_attn.q_proj.weight", in_std),
          normal("self_attn.k_proj.weight", in_std),
          normal("self_attn.v_proj.weight", in_std),
          normal("self_attn.out_proj.weight", out_std),
          normal("mlp.fc1.weight", mlp_std),
          normal("mlp.fc2.weight", out_std),
          {.parameter = "self_attn.q_proj.bias"},
          {.parameter = "self_attn.k_proj.bias"},
          {.parameter = "self_attn.v_proj.bias"},
          {.parameter = "self_attn.out_proj.bias"},
          {.parameter = "mlp.fc1.bias"},
          {.parameter = "mlp.fc2.bias"}};
}

EncoderImpl::EncoderImpl(const EncoderOptions& options, bool causal, const std::string& tap_prefix) {
  const auto layers = register_group(*this, "layers");
  for (int64_t i = 0; i < options.layers; ++i) {
    layers_.emplace_back(options, causal, format_text("{}.block{}", tap_prefix, i));
    layers->register_module(format_text("{}", i), layers_.back());
  }
}

Tensor EncoderImpl::forward(Tensor x, int64_t skip) {
  const size_t count = layers_.size() - static_cast<size_t>(skip);
  for (size_t i = 0; i < count; ++i) x = layers_[i](x);
  return x;
}

Tensor EncoderImpl::forward_at(Tensor x, const Tensor& position) {
  if (detail::innermost_tap_scope != nullptr) return row_at(forward(x), position);
  for (size_t i = 0; i + 1 < layers_.size(); ++i) x = layers_[i](x);
  return layers_.back()->forward_at(x, position);
}

}  // namespace noisescope::clip
