// PNG and JPEG files (libpng, libjpeg-turbo). Files from outside are hostile until decoded.
// No torch here.
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
  int64_t max_scans = 100;  // of a progressive JPEG: each costs as much time as a whole picture
};

/// RGB as Pillow's convert("RGB") gives it: gray replicated, palette looked up, alpha dropped,
/// CMYK JPEG converted; no EXIF rotation, no gamma. 16-bit values keep their high byte (Pillow does so
/// for colour; its 16-bit gray saturates, ours does not). Type by content, not by name. `name` is for
/// messages. Throws FormatError for anything else, truncated or lying.
Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits = {});

/// Throws IoError if the file cannot be read, else as decode_image.
Image read_image(const std::filesystem::path& path, const DecodeLimits& limits = {});

/// PNG bytes of an image with 1, 3 or 4 channels; `text` becomes tEXt chunks, or iTXt where it is not
/// ASCII (settings embedded in the picture). Keys: 1-79 printable ASCII characters, values: UTF-8.
/// Throws ValueError for other keys, sizes and channels.
std::string encode_png(const Image& image, const std::map<std::string, std::string>& text = {});

/// The text chunks of a PNG, as encode_png embeds them (compressed ones included).
std::map<std::string, std::string> png_text(std::string_view bytes, const std::string& name);

/// Atomic. Throws as encode_png, and IoError.
void write_png(const std::filesystem::path& path, const Image& image,
               const std::map<std::string, std::string>& text = {});

}  // namespace noisescope
