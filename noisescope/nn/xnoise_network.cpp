#include "noisescope/nn/xnoise_network.h"

#include <cmath>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/nn/blocks.h"
#include "noisescope/nn/init.h"
#include "noisescope/nn/tap.h"

namespace noisescope::nn {
namespace {

constexpr int64_t kOuterGroups = 8;   // of blocks at full resolution on the way in and out
constexpr int64_t kInnerGroups = 32;  // of all others
constexpr int64_t kUpBlocks = 4;

torch::nn::GroupNorm norm_of(int64_t groups, int64_t channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(groups, channels));
}

/// A module without computation of its own: a level in the names of the checkpoint.
torch::nn::Module& level(torch::nn::Module& parent, const std::string& name) {
  return *parent.register_module(name, std::make_shared<torch::nn::Module>(name));
}

Tensor as_map(const Tensor& rows) { return rows.unsqueeze(2).unsqueeze(3); }

}  // namespace

void check_xnoise_options(const UNetOptions& o) {
  const auto refuse = [](const std::string& wanted, int64_t got) {
    throw ValueError(format_text("[nn.XNoiseNetwork] expected {}, got {}", wanted, got));
  };
  check_options("nn.XNoiseNetwork", o);
  if (o.channels.size() != 3) refuse("three channels", static_cast<int64_t>(o.channels.size()));
  for (const int64_t width : o.channels) {
    if (width % kInnerGroups) refuse("channels in multiples of 32", width);
  }
  if (o.image_size % 4) refuse("an image_size that 4 divides", o.image_size);
  if (o.embedding_width % 2) refuse("an even embedding_width (the time sinusoid)", o.embedding_width);
}

Tensor xnoise_sinusoid(const Tensor& t, int64_t width) {
  const int64_t half = width / 2;
  const double step = -std::log(10000.0) / static_cast<double>(half - 1);
  const Tensor frequencies = (torch::arange(half, t.options()) * step).exp();
  const Tensor angles = t.unsqueeze(1) * frequencies;
  return torch::cat({angles.sin(), angles.cos()}, 1);
}

XNoiseBlockImpl::XNoiseBlockImpl(int64_t in, int64_t out, int64_t groups)
    : conv_(convolution(in, out, 3)), norm_(norm_of(groups, out)) {
  register_module("conv", conv_);
  register_module("norm", norm_);
}

Tensor XNoiseBlockImpl::forward(const Tensor& x) { return at::gelu(norm_(conv_(x))); }

Tensor XNoiseNetworkImpl::Mlp::operator()(const Tensor& x) { return out(at::gelu(in(x))); }

Tensor XNoiseNetworkImpl::Down::operator()(const Tensor& x) {
  // Pixels become channels in the order (channel, row, column), as pixel_unshuffle has them.
  return pooled(torch::pixel_unshuffle(second(first(x)), 2));
}

Tensor XNoiseNetworkImpl::Up::operator()(const Tensor& x, const Tensor& skip) {
  Tensor h = grow(torch::cat({x, skip}, 1));
  for (XNoiseBlock& block : blocks) h = block(h);
  return h;
}

XNoiseNetworkImpl::XNoiseNetworkImpl(const UNetOptions& options, const Random& random)
    : ConditionalNetwork("XNoiseNetwork"), options_(options) {
  check_xnoise_options(options);
  const GlobalGeneratorGuard guard;
  const int64_t c1 = options.channels[0], c2 = options.channels[1], c3 = options.channels[2];
  const int64_t latent = c3 * (options.image_size / 4) * (options.image_size / 4);
  add_stem();
  down1_ = add_down("down1", c1, c2);
  down2_ = add_down("down2", c2, c3);
  dense_ = add_mlp("dense_emb", "", latent, c2, latent);
  time1_ = add_embedding("t_emb1", options.embedding_width, c3);
  time2_ = add_embedding("t_emb2", options.embedding_width, c2);
  context1_ = add_embedding("c_embed1", options.condition_width, c3);
  context2_ = add_embedding("c_embed2", options.condition_width, c2);
  up0_ = register_module("up0", XNoiseBlock(c3, c3, kInnerGroups));
  up1_ = add_up("up1", c3, c2);
  up2_ = add_up("up2", c2, c1);
  add_out();
  initialize_parameters(*this, random);
}

void XNoiseNetworkImpl::add_stem() {
  const int64_t in = options_.in_channels, out = options_.channels[0];
  torch::nn::Module& down0 = level(*this, "down0");
  stem1_ = down0.register_module("conv1", XNoiseBlock(in, out, kOuterGroups));
  stem2_ = down0.register_module("conv2", XNoiseBlock(out, out, kOuterGroups));
  if (in != out) shortcut_ = down0.register_module("shortcut", convolution(in, out, 1));
}

XNoiseNetworkImpl::Mlp XNoiseNetworkImpl::add_mlp(const std::string& name, const std::string& inner, int64_t in,
                                                  int64_t hidden, int64_t out) {
  torch::nn::Module& outer = level(*this, name);
  torch::nn::Module& owner = inner.empty() ? outer : level(outer, inner);
  Mlp mlp;
  mlp.in = owner.register_module("0", torch::nn::Linear(in, hidden));
  mlp.out = owner.register_module("2", torch::nn::Linear(hidden, out));
  return mlp;
}

XNoiseNetworkImpl::Mlp XNoiseNetworkImpl::add_embedding(const std::string& name, int64_t in, int64_t out) {
  return add_mlp(name, "model", in, out, out);
}

XNoiseNetworkImpl::Down XNoiseNetworkImpl::add_down(const std::string& name, int64_t in, int64_t out) {
  torch::nn::Module& model = level(level(*this, name), "model");
  Down down;
  down.first = model.register_module("0", XNoiseBlock(in, out, kInnerGroups));
  down.second = model.register_module("1", XNoiseBlock(out, out, kInnerGroups));
  down.pooled = level(model, "2").register_module("conv", XNoiseBlock(4 * out, out, kInnerGroups));
  return down;
}

XNoiseNetworkImpl::Up XNoiseNetworkImpl::add_up(const std::string& name, int64_t in, int64_t out) {
  torch::nn::Module& model = level(level(*this, name), "model");
  Up up;
  up.grow = model.register_module(
      "0", torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(2 * in, out, 2).stride(2)));
  for (int64_t i = 1; i <= kUpBlocks; ++i) {
    up.blocks.push_back(model.register_module(format_text("{}", i), XNoiseBlock(out, out, kInnerGroups)));
  }
  return up;
}

void XNoiseNetworkImpl::add_out() {
  const int64_t width = options_.channels[0];
  torch::nn::Module& out = level(*this, "out");
  out1_ = out.register_module("0", convolution(2 * width, width, 3));
  out_norm_ = out.register_module("1", norm_of(kOuterGroups, width));
  out2_ = out.register_module("3", convolution(width, options_.in_channels, 3));
}

Tensor XNoiseNetworkImpl::null_condition() const {
  return torch::zeros({options_.condition_width}, stem1_->parameters().front().options());
}

void XNoiseNetworkImpl::check_inputs(const Tensor& x, const Tensor& noise_label, const Tensor& condition) const {
  const int64_t size = options_.image_size;
  check_shape("nn.XNoiseNetwork", "x", x, {-1, options_.in_channels, size, size});
  check_shape("nn.XNoiseNetwork", "noise_label", noise_label, {x.size(0)});
  check_shape("nn.XNoiseNetwork", "condition", condition, {x.size(0), options_.condition_width});
}

Tensor XNoiseNetworkImpl::stem(const Tensor& x) { return stem2_(stem1_(x)) + (shortcut_ ? shortcut_(x) : x); }

Tensor XNoiseNetworkImpl::bottleneck(const Tensor& x) { return at::gelu(dense_(x.flatten(1))).view_as(x); }

Tensor XNoiseNetworkImpl::forward(const Tensor& x, const Tensor& noise_label, const Tensor& condition) {
  check_inputs(x, noise_label, condition);
  const Tensor d0 = tap("down0", stem(x));
  const Tensor d1 = tap("down1", down1_(d0));
  const Tensor d2 = tap("down2", down2_(d1));
  const Tensor time = xnoise_sinusoid(noise_label, options_.embedding_width);
  Tensor h = tap("up0", up0_(tap("bottleneck", bottleneck(d2))));
  h = tap("up1", up1_(as_map(context1_(condition)) * h + as_map(time1_(time)), d2));
  h = tap("up2", up2_(as_map(context2_(condition)) * h + as_map(time2_(time)), d1));
  h = at::gelu(out_norm_(out1_(torch::cat({h, d0}, 1))));
  return tap("out", out2_(h));
}

}  // namespace noisescope::nn
