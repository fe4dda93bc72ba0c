// What a U-Net consists of, without building it: options, and the list of its layers. The network
// (unet.h) is built from the list and the cost (cost.h) is counted on it, so the two cannot differ.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "noisescope/core/options.h"

namespace noisescope::nn {

/// How a convolution knows where it is: not at all, by two channels of x and y in [-1, 1], or by
/// these and a learned map (interpolated where the image size is not the nominal one).
enum class Position { none, coordinates, learned };
NOISESCOPE_ENUM(Position, none, coordinates, learned)

/// The architecture: the U-Net of unet.h, or xNoise's network (xnoise_network.h), which reads
/// in_channels, image_size, channels, condition_width and embedding_width (its time sinusoid) alone.
enum class NetworkKind { unet, xnoise };
NOISESCOPE_ENUM(NetworkKind, unet, xnoise)

constexpr std::array<std::pair<const char*, NetworkKind>, 1> enum_old_names(NetworkKind) {
  return {{{"seed", NetworkKind::xnoise}}};
}

/// The defaults are the demo's network: 32 px, 2.3 M parameters.
struct UNetOptions {
  int64_t in_channels = 3;
  int64_t image_size = 32;
  int64_t patch = 2;
  std::vector<int64_t> channels = {32, 64, 96};
  int64_t blocks_per_level = 1;
  std::vector<int64_t> attention_resolutions = {8, 4};
  int64_t head_width = 32;
  int64_t embedding_width = 128;
  int64_t condition_width = 128;
  int64_t condition_map_channels = 16;
  int64_t condition_map_size = 8;
  Position position = Position::learned;
  NetworkKind kind = NetworkKind::unet;
  double dropout = 0.0;
};
void describe(Describer& d, UNetOptions& options);

/// Throws ValueError for options that no network can be built from.
void check_unet_options(const UNetOptions& options);

/// One layer: a residual block, or a convolution of one of the other roles.
struct UNetLayer {
  enum class Role { stem, down, block, up };
  std::string name;  // "enc.16x16_block0": parameter prefix and tap name
  Role role = Role::block;
  int64_t in_channels = 0;    // of the trunk, without the skip connection
  int64_t skip_channels = 0;  // decoder blocks: channels of the skip connection joined to the input
  int64_t out_channels = 0;
  int64_t size = 0;  // side of the output at the nominal image size
  bool attention = false;
};

/// All layers in order of evaluation: enc.*, mid.*, dec.*. Checks the options.
std::vector<UNetLayer> unet_plan(const UNetOptions& options);

/// Channels of the stem's input: pixels of a patch, coordinates and condition map.
int64_t stem_channels(const UNetOptions& options);

/// Images must be multiples of this in height and width: patch times the total downsampling.
int64_t size_multiple(const UNetOptions& options);

/// Heads of an attention over `channels`; head_width is lowered to `channels` where it is larger.
int64_t attention_heads(int64_t channels, int64_t head_width);

/// Width of the hidden layer from condition to condition map.
int64_t condition_map_hidden(const UNetOptions& options);

inline constexpr int64_t kNoiseFeatures = 64;  // sinusoids of the noise label

}  // namespace noisescope::nn
