#include "noisescope/nn/cost.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/nn/xnoise_network.h"

namespace noisescope::nn {
namespace {

using Role = UNetLayer::Role;

constexpr double kBytes = 4;  // float32

/// Adds up layers; `kept` counts the numbers that autograd keeps.
struct Tally {
  int64_t parameters = 0;
  double flops = 0;
  double kept = 0;

  void convolution(int64_t in, int64_t out, int64_t kernel, double pixels_out) {
    parameters += in * out * kernel * kernel + out;
    flops += 2.0 * static_cast<double>(in * out * kernel * kernel) * pixels_out;
  }
  void linear(int64_t in, int64_t out, double rows = 1) { convolution(in, out, 1, rows); }
  void norm(int64_t channels) { parameters += 2 * channels; }
  void keep(int64_t channels, double pixels) { kept += static_cast<double>(channels) * pixels; }
};

double pixels_of(int64_t size) { return static_cast<double>(size) * static_cast<double>(size); }

void count_attention(Tally& tally, int64_t channels, double pixels) {
  tally.norm(channels);
  tally.linear(channels, 3 * channels, pixels);
  tally.flops += 2 * 2.0 * static_cast<double>(channels) * pixels * pixels;  // q k^T, and p v
  tally.linear(channels, channels, pixels);
  tally.keep(6 * channels, pixels);  // input, normalised tokens, q, k, v, mixed
}

void count_block(Tally& tally, const UNetLayer& layer, const UNetOptions& o) {
  const int64_t in = layer.in_channels + layer.skip_channels, out = layer.out_channels;
  const double pixels = pixels_of(layer.size);
  tally.norm(in);
  tally.convolution(in, out, 3, pixels);
  tally.linear(o.embedding_width, 2 * out);
  if (o.condition_map_channels > 0) {
    const int64_t side = std::min(layer.size, o.condition_map_size);
    tally.convolution(o.condition_map_channels, 2 * out, 1, pixels_of(side));
    tally.keep(out, pixels);  // scale
  }
  tally.norm(out);
  tally.convolution(out, out, 3, pixels);
  if (in != out) tally.convolution(in, out, 1, pixels);
  tally.keep(3 * in, pixels);   // input, normalised, activated
  tally.keep(4 * out, pixels);  // conv1, normalised, modulated, activated
  if (layer.attention) count_attention(tally, out, pixels);
}

void count_layer(Tally& tally, const UNetLayer& layer, const UNetOptions& o) {
  if (layer.role == Role::block) {
    count_block(tally, layer, o);
    return;
  }
  tally.convolution(layer.in_channels, layer.out_channels, 3, pixels_of(layer.size));
  const int64_t input_size = layer.role == Role::down ? 2 * layer.size : layer.size;
  tally.keep(layer.in_channels, pixels_of(input_size));
}

void count_conditioning(Tally& tally, const UNetOptions& o) {
  tally.parameters += o.condition_width;  // null condition
  tally.linear(kNoiseFeatures, o.embedding_width);
  tally.linear(o.embedding_width, o.embedding_width);
  tally.linear(o.condition_width, o.embedding_width);
  if (o.condition_map_channels > 0) {
    tally.linear(o.condition_width, condition_map_hidden(o));
    tally.linear(condition_map_hidden(o), o.condition_map_channels * o.condition_map_size * o.condition_map_size);
  }
  if (o.position == Position::learned) {
    const int64_t side = o.image_size / o.patch;
    tally.parameters += o.channels.front() * side * side;
  }
}

void count_xnoise_block(Tally& tally, int64_t in, int64_t out, double pixels) {
  tally.convolution(in, out, 3, pixels);
  tally.norm(out);
  tally.keep(in + 2 * out, pixels);  // input, convolved, normalised
}

void count_xnoise_down(Tally& tally, int64_t in, int64_t out, double pixels) {
  count_xnoise_block(tally, in, out, pixels);
  count_xnoise_block(tally, out, out, pixels);
  count_xnoise_block(tally, 4 * out, out, pixels / 4);
}

/// `pixels` of the output.
void count_xnoise_up(Tally& tally, int64_t in, int64_t out, double pixels) {
  tally.parameters += 2 * in * out * 4 + out;
  tally.flops += 2.0 * static_cast<double>(2 * in * out * 4) * pixels / 4;
  tally.keep(2 * in, pixels / 4);
  for (int i = 0; i < 4; ++i) count_xnoise_block(tally, out, out, pixels);
}

void count_xnoise_mlp(Tally& tally, int64_t in, int64_t hidden, int64_t out) {
  tally.linear(in, hidden);
  tally.linear(hidden, out);
  tally.keep(in + 2 * hidden, 1);
}

}  // namespace

UNetCost xnoise_network_cost(const UNetOptions& o) {
  check_xnoise_options(o);
  const int64_t c1 = o.channels[0], c2 = o.channels[1], c3 = o.channels[2];
  const double full = pixels_of(o.image_size), half = full / 4, quarter = full / 16;
  const int64_t latent = c3 * (o.image_size / 4) * (o.image_size / 4);
  Tally tally;
  count_xnoise_block(tally, o.in_channels, c1, full);
  count_xnoise_block(tally, c1, c1, full);
  if (o.in_channels != c1) tally.convolution(o.in_channels, c1, 1, full);
  count_xnoise_down(tally, c1, c2, full);
  count_xnoise_down(tally, c2, c3, half);
  count_xnoise_mlp(tally, latent, c2, latent);
  for (const int64_t width : {c3, c2}) {
    count_xnoise_mlp(tally, o.embedding_width, width, width);
    count_xnoise_mlp(tally, o.condition_width, width, width);
  }
  count_xnoise_block(tally, c3, c3, quarter);
  count_xnoise_up(tally, c3, c2, half);
  count_xnoise_up(tally, c2, c1, full);
  tally.convolution(2 * c1, c1, 3, full);
  tally.norm(c1);
  tally.convolution(c1, o.in_channels, 3, full);
  tally.keep(5 * c1, full);
  return {.parameters = tally.parameters,
          .forward_flops = tally.flops,
          .train_flops = 3 * tally.flops,
          .activation_bytes = kBytes * tally.kept};
}

UNetCost network_cost(const UNetOptions& options) {
  return options.kind == NetworkKind::xnoise ? xnoise_network_cost(options) : unet_cost(options);
}

UNetCost unet_cost(const UNetOptions& options) {
  Tally tally;
  count_conditioning(tally, options);
  for (const UNetLayer& layer : unet_plan(options)) count_layer(tally, layer, options);
  const int64_t last = options.channels.front();
  const double pixels = pixels_of(options.image_size / options.patch);
  tally.norm(last);
  tally.convolution(last, options.in_channels * options.patch * options.patch, 3, pixels);
  tally.keep(3 * last, pixels);
  return {.parameters = tally.parameters,
          .forward_flops = tally.flops,
          .train_flops = 3 * tally.flops,
          .activation_bytes = kBytes * tally.kept};
}

double training_bytes(const UNetCost& cost, int64_t batch) {
  if (batch < 1) {
    throw ValueError(format_text("[nn.training_bytes] expected batch >= 1, got {}", batch));
  }
  return 5 * kBytes * static_cast<double>(cost.parameters) + static_cast<double>(batch) * cost.activation_bytes;
}

double sampling_bytes(const UNetOptions& options, const UNetCost& cost, int64_t batch) {
  double largest = 0, skips = 0;
  for (const UNetLayer& layer : unet_plan(options)) {
    const double pixels = pixels_of(layer.size);
    const int64_t widest = layer.in_channels + layer.skip_channels + 2 * layer.out_channels;
    largest = std::max(largest, static_cast<double>(widest) * pixels);
    if (layer.name.starts_with("enc.")) {
      skips += static_cast<double>(layer.out_channels) * pixels;
    }
  }
  return kBytes * (static_cast<double>(cost.parameters) + static_cast<double>(batch) * (2 * largest + skips));
}

}  // namespace noisescope::nn
