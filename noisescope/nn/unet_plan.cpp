#include "noisescope/nn/unet_plan.h"

#include <algorithm>

#include "noisescope/core/format.h"

namespace noisescope::nn {
namespace {

using Role = UNetLayer::Role;

[[noreturn]] void refuse(const std::string& wanted, const std::string& got) {
  throw ValueError(format_text("[nn.unet_plan] expected {}, got {}", wanted, got));
}

std::string list_text(const std::vector<int64_t>& values) {
  std::vector<std::string> parts;
  for (int64_t value : values) parts.push_back(format_text("{}", value));
  return "[" + join(parts) + "]";
}

/// Sides of the feature maps, finest first.
std::vector<int64_t> level_sizes(const UNetOptions& o) {
  std::vector<int64_t> sizes;
  for (size_t level = 0; level < o.channels.size(); ++level) {
    sizes.push_back(o.image_size / o.patch >> level);
  }
  return sizes;
}

/// Collects the layers while it remembers what flows: channels, size and open skip connections.
class PlanBuilder {
 public:
  explicit PlanBuilder(const UNetOptions& options) : o_(options), sizes_(level_sizes(options)) {}

  std::vector<UNetLayer> build() {
    encode();
    add_block("mid", 0, 0, /*attention=*/true);
    add_block("mid", 1, 0, /*attention=*/false);
    decode();
    return std::move(layers_);
  }

 private:
  void encode() {
    add("enc", "conv", Role::stem, stem_channels(o_), o_.channels[0]);
    skips_.push_back(channels_);
    for (level_ = 0; level_ < sizes_.size(); ++level_) {
      if (level_ > 0) {
        add("enc", "down", Role::down, channels_, channels_);
        skips_.push_back(channels_);
      }
      for (int64_t i = 0; i < o_.blocks_per_level; ++i) {
        add_block("enc", i, 0, attends());
        skips_.push_back(channels_);
      }
    }
    level_ = sizes_.size() - 1;
  }

  void decode() {
    for (size_t left = sizes_.size(); left-- > 0;) {
      if (left != level_) {
        level_ = left;
        add("dec", "up", Role::up, channels_, channels_);
      }
      for (int64_t i = 0; i <= o_.blocks_per_level; ++i) {
        const int64_t skip = skips_.back();
        skips_.pop_back();
        add_block("dec", i, skip, attends());
      }
    }
  }

  void add(const char* part, const std::string& kind, Role role, int64_t in, int64_t out, int64_t skip = 0,
           bool attention = false) {
    layers_.push_back({.name = format_text("{0}.{1}x{1}_{2}", part, sizes_[level_], kind),
                       .role = role,
                       .in_channels = in,
                       .skip_channels = skip,
                       .out_channels = out,
                       .size = sizes_[level_],
                       .attention = attention});
    channels_ = out;
  }

  void add_block(const char* part, int64_t index, int64_t skip, bool attention) {
    add(part, format_text("block{}", index), Role::block, channels_, o_.channels[level_], skip, attention);
  }

  bool attends() const {
    return std::find(o_.attention_resolutions.begin(), o_.attention_resolutions.end(), sizes_[level_]) !=
           o_.attention_resolutions.end();
  }

  const UNetOptions& o_;
  std::vector<int64_t> sizes_;
  std::vector<UNetLayer> layers_;
  std::vector<int64_t> skips_;
  size_t level_ = 0;
  int64_t channels_ = 0;
};

}  // namespace

void describe(Describer& d, UNetOptions& o) {
  d("kind", o.kind,
    "unet, or xnoise: the network of the project that this one grew from (docs/methods/xnoise_network.md)");
  d("in_channels", o.in_channels, "channels of the images", {.min = 1, .max = 64});
  d("image_size", o.image_size, "side in px that layer names and learned positions refer to", {.min = 4, .max = 4096});
  d("patch", o.patch, "pixels per side folded into channels by the stem: 1, 2 or 4", {.only = {1, 2, 4}});
  d("channels", o.channels, "width of each level, finest first", {.min = 4, .max = 8192});
  d("blocks_per_level", o.blocks_per_level, "residual blocks of a level (decoder: one more)", {.min = 1, .max = 64});
  d("attention_resolutions", o.attention_resolutions,
    "sides of the feature maps (image_size / patch / 2^level) whose blocks have self-attention", {.min = 1});
  d("head_width", o.head_width, "channels of an attention head", {.min = 1, .max = 1024});
  d("embedding_width", o.embedding_width,
    "width of the joint embedding of noise and condition; xnoise: of the time sinusoid", {.min = 8, .max = 16384});
  d("condition_width", o.condition_width, "width D of the condition", {.min = 1, .max = 65536});
  d("condition_map_channels", o.condition_map_channels,
    "channels of the map that tells every block what is where; 0: no map", {.min = 0, .max = 1024});
  d("condition_map_size", o.condition_map_size, "side of that map", {.min = 1, .max = 256});
  d("position", o.position, "what the stem is told about where it is");
  d("dropout", o.dropout, "share of feature maps dropped in every block while training",
    {.min = 0, .max = 1, .below_max = true});
}

int64_t size_multiple(const UNetOptions& o) { return o.patch << (static_cast<int64_t>(o.channels.size()) - 1); }

int64_t stem_channels(const UNetOptions& o) {
  return o.in_channels * o.patch * o.patch + (o.position == Position::none ? 0 : 2) + o.condition_map_channels;
}

int64_t attention_heads(int64_t channels, int64_t head_width) { return channels / std::min(channels, head_width); }

int64_t condition_map_hidden(const UNetOptions& o) { return 2 * o.embedding_width; }

void check_unet_options(const UNetOptions& o) {
  check_options("nn.unet_plan", o);
  if (o.channels.empty() || o.channels.size() > 16) {
    refuse("channels of 1 to 16 levels", list_text(o.channels));
  }
  if (o.image_size < size_multiple(o) || o.image_size % size_multiple(o) != 0) {
    refuse(format_text("image_size to be a multiple of {} (patch x total downsampling)", size_multiple(o)),
           format_text("{}", o.image_size));
  }
  const std::vector<int64_t> sizes = level_sizes(o);
  for (int64_t wanted : o.attention_resolutions) {
    if (std::find(sizes.begin(), sizes.end(), wanted) == sizes.end()) {
      refuse("attention_resolutions among the sides of the levels, " + list_text(sizes),
             format_text("{}; they count after the stem's patch", wanted));
    }
  }
  for (int64_t channels : o.channels) {
    if (channels % std::min(channels, o.head_width) != 0) {
      refuse(format_text("channels to be multiples of head_width {}", o.head_width), format_text("{}", channels));
    }
  }
}

std::vector<UNetLayer> unet_plan(const UNetOptions& options) {
  check_unet_options(options);
  return PlanBuilder(options).build();
}

}  // namespace noisescope::nn
