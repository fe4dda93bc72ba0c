// Moving pictures: GIF, APNG, WebP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/io/image.h"

namespace noisescope {

struct AnimationOptions {
  int64_t frame_ms = 160;
  int64_t last_frame_ms = 2000;  // hold on the result
};

/// Writes RGB frames of equal size, looping for ever, in the format of the extension: .gif, .apng
/// (or .png) or .webp. GIF frames share one palette of at most 256 colours (median cut over all
/// frames); the other two are lossless. Atomic.
/// Throws ValueError for no frames, unequal frames or another extension, IoError.
void write_animation(const std::filesystem::path& path, const std::vector<Image>& frames,
                     const AnimationOptions& options = {});

/// The bytes of the file; `format` is "gif", "apng" or "webp".
std::string encode_animation(const std::string& format, const std::vector<Image>& frames,
                             const AnimationOptions& options = {});

}  // namespace noisescope
