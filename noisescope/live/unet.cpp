#include "noisescope/live/unet.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "noisescope/core/format.h"
#include "noisescope/live/layers.h"

namespace noisescope::live {
namespace {

using Role = UNetLayer::Role;

[[noreturn]] void refuse_network(const std::string& wanted, const std::string& got) {
  throw ModelError(
      format_text("[live.LiveUNet] expected {}, got {}; such a network needs the program itself", wanted, got));
}

void check_network(const UNetOptions& o) {
  if (o.kind != NetworkKind::unet) refuse_network("a network of kind unet", to_string(o.kind));
  if (o.condition_map_channels == 0) return;
  const int64_t finest = o.image_size / o.patch;
  for (size_t level = 0; level < o.channels.size(); ++level) {
    const int64_t side = finest >> level, map = std::min(side, o.condition_map_size);
    if (side % map != 0 || o.condition_map_size % map != 0) {
      refuse_network("a condition map whose side divides, or is divided by, that of every level",
                     format_text("{} and {}", o.condition_map_size, side));
    }
  }
}

/// The mean of blocks of pixels, where the map is larger than `side`.
FeatureMaps shrunk_to(const FeatureMaps& map, int64_t side) {
  const int64_t small = std::min(side, map.height), factor = map.height / small;
  if (factor == 1) return map;
  FeatureMaps out(map.batch, small, small, map.channels);
  const float share = 1.0f / static_cast<float>(factor * factor);
  for (int64_t b = 0; b < map.batch; ++b) {
    for (int64_t p = 0; p < map.pixels(); ++p) {
      float* to = out.of(b) + ((p / map.width / factor) * small + p % map.width / factor) * map.channels;
      const float* from = map.of(b) + p * map.channels;
      for (int64_t c = 0; c < map.channels; ++c) to[c] += from[c] * share;
    }
  }
  return out;
}

/// Sines and cosines of the noise label: nn/embedding.h.
std::vector<float> sinusoids(const float* label, int64_t batch) {
  constexpr double kHighest = 200.0, kRatio = 1000.0;
  constexpr int64_t kHalf = kNoiseFeatures / 2;
  std::vector<float> out(static_cast<size_t>(batch * kNoiseFeatures));
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t k = 0; k < kHalf; ++k) {
      const auto exponent = static_cast<float>(k) * static_cast<float>(-std::log(kRatio) / kHalf);
      const float angle = label[b] * (std::exp(exponent) * static_cast<float>(kHighest));
      out[static_cast<size_t>(b * kNoiseFeatures + k)] = std::sin(angle);
      out[static_cast<size_t>(b * kNoiseFeatures + kHalf + k)] = std::cos(angle);
    }
  }
  return out;
}

std::vector<float> add_rows(std::vector<float> a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

/// -1 to 1 from the first pixel to the last.
float coordinate(int64_t i, int64_t count) {
  return count > 1 ? -1.0f + 2.0f * static_cast<float>(i) / static_cast<float>(count - 1) : -1.0f;
}

}  // namespace

/// GroupNorm, attention among all pixels, projection.
class AttentionLayer {
 public:
  AttentionLayer(const Weights& weights, const std::string& name, int64_t channels, int64_t head_width)
      : heads_(attention_heads(channels, head_width)),
        norm_(weights, name + ".norm", channels),
        qkv_(weights, name + ".qkv", channels, 3 * channels),
        out_(weights, name + ".out", channels, channels) {}

  FeatureMaps operator()(const FeatureMaps& x) const {
    const FeatureMaps qkv = qkv_(norm_.norm(x));
    FeatureMaps mixed(x.batch, x.height, x.width, x.channels);
    const int64_t width = x.channels / heads_;
    for (int64_t b = 0; b < x.batch; ++b) {
      for (int64_t head = 0; head < heads_; ++head) {
        const float* q = qkv.of(b) + head * width;
        attend({q, q + x.channels, q + 2 * x.channels, x.pixels(), width, qkv.channels}, mixed.of(b) + head * width,
               x.channels);
      }
    }
    return out_(mixed);
  }

 private:
  int64_t heads_;
  GroupNormLayer norm_;
  LinearLayer qkv_, out_;
};

/// What blocks are told: nn/blocks.h.
struct Told {
  std::vector<float> embedding;  // [B, E]
  FeatureMaps map;               // condition map; no batch: none
};

class BlockLayer {
 public:
  BlockLayer(const UNetLayer& layer, const UNetOptions& o, const Weights& weights, const std::string& name)
      : norm1_(weights, name + ".norm1", layer.in_channels + layer.skip_channels),
        norm2_(weights, name + ".norm2", layer.out_channels),
        conv1_(weights, name + ".conv1", layer.in_channels + layer.skip_channels, layer.out_channels, 3),
        conv2_(weights, name + ".conv2", layer.out_channels, layer.out_channels, 3),
        film_(weights, name + ".film", o.embedding_width, 2 * layer.out_channels) {
    const int64_t in = layer.in_channels + layer.skip_channels;
    if (o.condition_map_channels > 0) {
      film_map_.emplace(weights, name + ".film_map", o.condition_map_channels, 2 * layer.out_channels, 1);
    }
    if (in != layer.out_channels) skip_.emplace(weights, name + ".skip", in, layer.out_channels, 1);
    if (layer.attention) attention_.emplace(weights, name + ".attn", layer.out_channels, o.head_width);
  }

  FeatureMaps operator()(const FeatureMaps& x, const Told& told) const {
    const FeatureMaps film = modulation(told, x.height);
    FeatureMaps h = conv2_(norm2_.norm_film_silu(conv1_(norm1_.norm_film_silu(x)), &film));
    add_in_place(h, skip_ ? (*skip_)(x) : x);
    if (attention_) add_in_place(h, (*attention_)(h));
    return h;
  }

 private:
  /// film(embedding) + film_map(condition map): [B, h, w, 2C].
  FeatureMaps modulation(const Told& told, int64_t side) const {
    const std::vector<float> whole = film_(told.embedding);
    const int64_t width = film_.out(), batch = static_cast<int64_t>(whole.size()) / width;
    FeatureMaps film = film_map_ ? (*film_map_)(shrunk_to(told.map, side)) : FeatureMaps(batch, 1, 1, width);
    for (int64_t b = 0; b < batch; ++b) {
      const float* from = whole.data() + b * width;
      for (int64_t p = 0; p < film.pixels(); ++p) {
        float* to = film.of(b) + p * width;
        for (int64_t c = 0; c < width; ++c) to[c] += from[c];
      }
    }
    return film;
  }

  GroupNormLayer norm1_, norm2_;
  ConvolutionLayer conv1_, conv2_;
  LinearLayer film_;
  std::optional<ConvolutionLayer> film_map_, skip_;
  std::optional<AttentionLayer> attention_;
};

/// A block, or a convolution.
struct StageLayer {
  StageLayer(const UNetLayer& of, const UNetOptions& o, const Weights& weights, const std::string& name) : layer(of) {
    if (layer.role == Role::block) {
      block.emplace(layer, o, weights, name);
    } else {
      convolution.emplace(weights, name, layer.in_channels, layer.out_channels, 3, layer.role == Role::down ? 2 : 1);
    }
  }

  UNetLayer layer;
  std::optional<BlockLayer> block;
  std::optional<ConvolutionLayer> convolution;
};

struct LiveUNet::Layers {
  Layers(const UNetOptions& o, const Weights& weights, const std::string& prefix)
      : options((check_network(o), o)),
        noise1(weights, prefix + "embedding.noise1", kNoiseFeatures, o.embedding_width),
        noise2(weights, prefix + "embedding.noise2", o.embedding_width, o.embedding_width),
        condition(weights, prefix + "embedding.condition", o.condition_width, o.embedding_width),
        out_norm(weights, prefix + "out_norm", o.channels.front()),
        out_conv(weights, prefix + "out_conv", o.channels.front(), o.in_channels * o.patch * o.patch, 3) {
    for (const UNetLayer& layer : unet_plan(o)) {
      stages.emplace_back(layer, o, weights, prefix + layer.name);
    }
    if (o.condition_map_channels > 0) {
      map_hidden.emplace(weights, prefix + "condition_map.hidden", o.condition_width, condition_map_hidden(o));
      map_out.emplace(weights, prefix + "condition_map.out", condition_map_hidden(o),
                      o.condition_map_channels * o.condition_map_size * o.condition_map_size);
    }
    const int64_t side = o.image_size / o.patch;
    if (o.position == Position::learned) {
      position = weights.floats(prefix + "position", {1, o.channels.front(), side, side});
    }
  }

  Told told(const NetworkInput& input) const;
  FeatureMaps map_of(const std::vector<float>& rows, int64_t batch) const;
  FeatureMaps stem(const NetworkInput& input, const FeatureMaps& map) const;
  void add_position(FeatureMaps& x) const;
  std::vector<float> pictures(const FeatureMaps& h) const;

  UNetOptions options;
  LinearLayer noise1, noise2, condition;
  std::optional<LinearLayer> map_hidden, map_out;
  std::vector<StageLayer> stages;
  std::vector<float> position;
  GroupNormLayer out_norm;
  ConvolutionLayer out_conv;
};

/// From rows [B, M, s, s] to channels last.
FeatureMaps LiveUNet::Layers::map_of(const std::vector<float>& rows, int64_t batch) const {
  const int64_t side = options.condition_map_size, channels = options.condition_map_channels;
  FeatureMaps map(batch, side, side, channels);
  for (int64_t b = 0; b < batch; ++b) {
    const float* from = rows.data() + b * channels * map.pixels();
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < map.pixels(); ++p) map.of(b)[p * channels + c] = from[c * map.pixels() + p];
    }
  }
  return map;
}

Told LiveUNet::Layers::told(const NetworkInput& input) const {
  const std::vector<float> rows(input.condition, input.condition + input.batch * options.condition_width);
  Told told;
  std::vector<float> hidden = noise1(sinusoids(input.label, input.batch));
  silu_in_place(hidden);
  told.embedding = add_rows(noise2(hidden), condition(rows));
  silu_in_place(told.embedding);
  if (map_hidden && map_out) {
    std::vector<float> wide = (*map_hidden)(rows);
    silu_in_place(wide);
    told.map = map_of((*map_out)(wide), input.batch);
  }
  return told;
}

/// Pixels of a patch as channels, y and x, the condition map: [B, H / patch, W / patch, stem_channels].
FeatureMaps LiveUNet::Layers::stem(const NetworkInput& input, const FeatureMaps& map) const {
  const int64_t patch = options.patch, image = options.image_size, side = image / patch;
  FeatureMaps out(input.batch, side, side, stem_channels(options));
  for (int64_t b = 0; b < input.batch; ++b) {
    const float* picture = input.x + b * options.in_channels * image * image;
    for (int64_t i = 0; i < side; ++i) {
      for (int64_t j = 0; j < side; ++j) {
        float* to = out.of(b) + (i * side + j) * out.channels;
        for (int64_t c = 0; c < options.in_channels; ++c) {
          for (int64_t k = 0; k < patch * patch; ++k) {
            *to++ = picture[(c * image + i * patch + k / patch) * image + j * patch + k % patch];
          }
        }
        if (options.position != Position::none) {
          *to++ = coordinate(i, side);
          *to++ = coordinate(j, side);
        }
        if (map.batch == 0) continue;
        const int64_t row = i * map.height / side, column = j * map.width / side;
        std::copy_n(map.of(b) + (row * map.width + column) * map.channels, map.channels, to);
      }
    }
  }
  return out;
}

void LiveUNet::Layers::add_position(FeatureMaps& x) const {
  if (position.empty()) return;
  for (int64_t b = 0; b < x.batch; ++b) {
    for (int64_t p = 0; p < x.pixels(); ++p) {
      for (int64_t c = 0; c < x.channels; ++c) {
        x.of(b)[p * x.channels + c] += position[static_cast<size_t>(c * x.pixels() + p)];
      }
    }
  }
}

/// Channels as pixels of a patch again: [B, C, H, W].
std::vector<float> LiveUNet::Layers::pictures(const FeatureMaps& h) const {
  const int64_t patch = options.patch, image = options.image_size;
  std::vector<float> out(h.values.size());
  for (int64_t b = 0; b < h.batch; ++b) {
    float* picture = out.data() + b * options.in_channels * image * image;
    for (int64_t p = 0; p < h.pixels(); ++p) {
      const float* from = h.of(b) + p * h.channels;
      const int64_t top = p / h.width * patch, left = p % h.width * patch;
      for (int64_t c = 0; c < options.in_channels; ++c) {
        for (int64_t k = 0; k < patch * patch; ++k) {
          picture[(c * image + top + k / patch) * image + left + k % patch] = *from++;
        }
      }
    }
  }
  return out;
}

LiveUNet::LiveUNet(const UNetOptions& options, const Weights& weights, const std::string& prefix)
    : layers_(std::make_unique<Layers>(options, weights, prefix)) {}

LiveUNet::~LiveUNet() = default;
LiveUNet::LiveUNet(LiveUNet&&) noexcept = default;

const UNetOptions& LiveUNet::options() const { return layers_->options; }

std::vector<float> LiveUNet::operator()(const NetworkInput& input) const {
  const Told told = layers_->told(input);
  FeatureMaps h = layers_->stem(input, told.map);
  std::vector<FeatureMaps> skips;
  for (const StageLayer& stage : layers_->stages) {
    if (stage.layer.role == Role::up) h = grown_twice(h);
    if (stage.layer.skip_channels > 0) {
      h = joined_channels(h, skips.back());
      skips.pop_back();
    }
    if (stage.block) h = (*stage.block)(h, told);
    if (stage.convolution) h = (*stage.convolution)(h);
    if (stage.layer.role == Role::stem) layers_->add_position(h);
    if (stage.layer.name.starts_with("enc.")) skips.push_back(h);
  }
  return layers_->pictures(layers_->out_conv(layers_->out_norm.norm_film_silu(h)));
}

}  // namespace noisescope::live
