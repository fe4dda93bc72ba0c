#include "noisescope/clip/encoder.h"

#include <cmath>

#include "noisescope/nn/attention.h"
#include "noisescope/nn/tap.h"

namespace noisescope {
namespace {

constexpr double kNormEps = 1e-5;

torch::nn::LayerNorm layer_norm(int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kNormEps));
}

Tensor activate(const Tensor& x, ClipActivation activation) {
  return activation == ClipActivation::gelu ? at::gelu(x) : x * at::sigmoid(1.702 * x);
}

}  // namespace

std::shared_ptr<torch::nn::Module> register_group(torch::nn::Module& parent, const char* name) {
  return parent.register_module(name, std::make_shared<torch::nn::Module>(name));
}

void describe(Describer& d, EncoderOptions& options) {
  d("width", options.width, "width of the transformer", {.min = 8, .max = 8192});
  d("layers", options.layers, "number of blocks", {.min = 1, .max = 128});
  d("heads", options.heads, "attention heads; they share the width", {.min = 1, .max = 256});
  d("mlp_width", options.mlp_width, "inner width of the MLPs; 0: four times the width",
    {.min = 0, .max = 65536});
  d("activation", options.activation, "activation of the MLPs; quick_gelu for OpenAI's weights");
}

void check_encoder(const char* where, const EncoderOptions& options) {
  if (options.heads < 1 || options.width < 1 || options.width % options.heads != 0) {
    throw ValueError(std::string("[") + where + "] expected a width that divides among the heads, got "
                     "width " + std::to_string(options.width) + " and " +
                     std::to_string(options.heads) + " heads");
  }
}

EncoderLayerImpl::EncoderLayerImpl(const EncoderOptions& options, bool causal, std::string tap_name)
    : options_(options),
      causal_(causal),
      tap_name_(std::move(tap_name)),
      q_proj_(options.width, options.width),
      k_proj_(options.width, options.width),
      v_proj_(options.width, options.width),
      out_proj_(options.width, options.width),
      layer_norm1_(layer_norm(options.width)),
      layer_norm2_(layer_norm(options.width)),
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

Tensor EncoderLayerImpl::attention(const Tensor& x) {
  const int64_t batch = x.size(0), length = x.size(1), width = x.size(2);
  const auto split = [&](const Tensor& y) {  // [B, L, D] -> [B, N, L, D / N]
    return y.view({batch, length, options_.heads, width / options_.heads}).transpose(1, 2);
  };
  const Tensor mixed = attend(split(q_proj_(x)), split(k_proj_(x)), split(v_proj_(x)),
                              tap_name_ + ".attn", causal_);
  return out_proj_(mixed.transpose(1, 2).reshape({batch, length, width}));
}

Tensor EncoderLayerImpl::forward(const Tensor& x) {
  const Tensor mixed = x + tap(tap_name_, "attn", attention(layer_norm1_(x)));
  const Tensor hidden = activate(fc1_(layer_norm2_(mixed)), options_.activation);
  return tap(tap_name_, mixed + tap(tap_name_, "mlp", fc2_(hidden)));
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
  return {normal("self_attn.q_proj.weight", in_std),   normal("self_attn.k_proj.weight", in_std),
          normal("self_attn.v_proj.weight", in_std),   normal("self_attn.out_proj.weight", out_std),
          normal("mlp.fc1.weight", mlp_std),           normal("mlp.fc2.weight", out_std),
          {.parameter = "self_attn.q_proj.bias"},      {.parameter = "self_attn.k_proj.bias"},
          {.parameter = "self_attn.v_proj.bias"},      {.parameter = "self_attn.out_proj.bias"},
          {.parameter = "mlp.fc1.bias"},               {.parameter = "mlp.fc2.bias"}};
}

EncoderImpl::EncoderImpl(const EncoderOptions& options, bool causal,
                         const std::string& tap_prefix) {
  const auto layers = register_group(*this, "layers");
  for (int64_t i = 0; i < options.layers; ++i) {
    const std::string number = std::to_string(i);
    layers_.emplace_back(options, causal, tap_prefix + ".block" + number);
    layers->register_module(number, layers_.back());
  }
}

Tensor EncoderImpl::forward(Tensor x) {
  for (EncoderLayer& layer : layers_) x = layer(x);
  return x;
}

}  // namespace noisescope
