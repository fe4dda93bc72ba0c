// Moving pictures: GIF, APNG, WebP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/io/image.h"

namespace noisescope::viz {

/// Where the 256 colours of a GIF come from.
enum class GifPalette {
  shared,    // one palette for all frames: still parts stay still
  per_frame  // one for each: truer colours, larger files
};
NOISESCOPE_ENUM(GifPalette, shared, per_frame)

struct AnimationOptions {
  int64_t frame_ms = 160;
  int64_t last_frame_ms = 2000;
  GifPalette gif_palette = GifPalette::shared;
  bool gif_dither = false;
};

inline void describe(Describer& d, AnimationOptions& o) {
  d("frame_ms", o.frame_ms, "how long a frame stands, in ms (GIF rounds to 10)", {.min = 20, .max = 60000});
  d("last_frame_ms", o.last_frame_ms, "how long the last frame, the result, stands, in ms", {.min = 20, .max = 60000});
  d("gif_palette", o.gif_palette, "one palette for all frames of a GIF, or one for each");
  d("gif_dither", o.gif_dither, "pass colour errors on to the neighbours in GIFs");
}

/// Writes RGB frames of equal size, looping for ever, in the format of the extension: .gif, .apng
/// (or .png) or .webp. APNG and WebP are lossless, GIF has 256 colours by median cut. Atomic.
/// Throws ValueError for no frames, unequal frames or another extension, IoError.
void write_animation(const std::filesystem::path& path, const std::vector<Image>& frames,
                     const AnimationOptions& options = {});

/// The bytes of the file; `format` is "gif", "apng" or "webp".
std::string encode_animation(const std::string& format, const std::vector<Image>& frames,
                             const AnimationOptions& options = {});

}  // namespace noisescope::viz
