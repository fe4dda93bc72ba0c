// PNG and JPEG files (libpng, libjpeg-turbo). Files from outside are hostile until decoded.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "noisescope/io/image.h"

namespace noisescope {

/// Limits on what a file may claim before anything of its size is allocated.
struct DecodeLimits {
  int64_t max_side_px = 16384;
  int64_t max_pixels = int64_t{1} << 26;
};

/// RGB as Pillow's convert("RGB") gives it: gray replicated, palette looked up, alpha dropped,
/// 16-bit reduced, CMYK JPEG converted. Type by content, not by name. `name` is for messages.
/// Throws FormatError for anything else, truncated or lying.
Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits = {});
Image read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

/// PNG bytes; `text` becomes tEXt/iTXt chunks (settings embedded in the picture).
std::string encode_png(const Image& image, const std::map<std::string, std::string>& text = {});

/// Atomic.
void write_png(const std::filesystem::path& path, const Image& image,
               const std::map<std::string, std::string>& text = {});

}  // namespace noisescope
