// Image files: PNG (libpng), JPEG (libjpeg-turbo), WebP (libwebp), GIF (giflib), BMP. Files from outside are hostile
// until decoded.
// No torch here.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "noisescope/io/stored_image.h"

namespace noisescope::io {

/// Limits on what a file may claim before anything of its size is allocated.
struct DecodeLimits {
  int64_t max_side_px = 16384;
  int64_t max_pixels = int64_t{1} << 26;
  int64_t max_scans = 100;  // of a progressive JPEG: each costs as much time as a whole picture
};

/// An image as its file holds it: 8 bits a value (16-bit colour and 16-bit gray with alpha
/// keep their high bytes, as in Pillow), 16-bit gray whole. The transparent colour or palette entries
/// of a PNG are passed over; its gamma, too. Of an animation the first frame, composed. Type by content, not by name.
/// `name` is for messages. Throws FormatError for anything else, truncated or lying.
StoredImage decode_stored(std::string_view bytes, const std::string& name, const DecodeLimits& limits = {});

/// RGB as Pillow's convert("RGB") gives it: gray replicated, palette looked up, alpha dropped,
/// CMYK JPEG converted, turned upright by EXIF; no gamma. 16-bit gray keeps its high byte, where Pillow cuts
/// it off at 255 (to_rgb does as Pillow). Throws as decode_stored.
Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits = {});

/// Throws IoError if the file cannot be read, else as decode_stored.
StoredImage read_stored(const std::filesystem::path& path, const DecodeLimits& limits = {});

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

}  // namespace noisescope::io
