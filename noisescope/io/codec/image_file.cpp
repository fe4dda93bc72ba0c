#include "noisescope/io/codec/image_file.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_codec.h"
#include "noisescope/io/file.h"

namespace noisescope::io {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

}  // namespace

void fail_decode(const std::string& name, uint64_t byte_offset, const std::string& what) {
  throw FormatError(name, byte_offset, "[io.decode_image] expected " + what);
}

Image make_checked_image(uint64_t width, uint64_t height, int64_t channels, const std::string& name,
                         const DecodeLimits& limits) {
  const auto max_side = static_cast<uint64_t>(limits.max_side_px);
  // Sides first: their product could overflow.
  if (width == 0 || height == 0 || width > max_side || height > max_side ||
      width * height > static_cast<uint64_t>(limits.max_pixels)) {
    fail_decode(name, 0,
                format_text("an image of at most {} px a side and {} px, got {} x {}", limits.max_side_px,
                            limits.max_pixels, width, height));
  }
  Image image;
  image.width = static_cast<int64_t>(width);
  image.height = static_cast<int64_t>(height);
  image.channels = channels;
  image.pixels.resize(width * height * static_cast<uint64_t>(channels));
  return image;
}

StoredImage look_up(Image indices, const Palette& palette) {
  bool is_ramp = !palette.empty();
  for (size_t i = 0; i < palette.size(); ++i) {
    is_ramp = is_ramp && std::all_of(palette[i].begin(), palette[i].end(), [i](uint8_t value) { return value == i; });
  }
  if (is_ramp) return {std::move(indices), PixelMode::gray};
  Image image{.width = indices.width, .height = indices.height, .channels = 3, .pixels = {}};
  image.pixels.reserve(3 * indices.pixels.size());
  for (const uint8_t index : indices.pixels) {
    const std::array<uint8_t, 3> colour = index < palette.size() ? palette[index] : std::array<uint8_t, 3>{};
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  }
  return {std::move(image), PixelMode::palette};
}

int exif_orientation(std::string_view exif) {
  constexpr uint64_t kOrientation = 0x0112, kShort = 3, kLong = 4;
  const bool little = exif.starts_with("II");
  if (!little && !exif.starts_with("MM")) return 1;
  const auto number = [&](size_t at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && at + bytes <= exif.size(); ++i) {
      const size_t byte = little ? at + bytes - 1 - i : at + i;
      value = value << 8 | static_cast<unsigned char>(exif[byte]);
    }
    return value;
  };
  const auto directory = static_cast<size_t>(number(4, 4));
  const auto entries = static_cast<size_t>(number(directory, 2));
  int orientation = 1;
  for (size_t i = 0; i < entries; ++i) {
    const size_t at = directory + 2 + 12 * i;
    if (at + 12 > exif.size()) break;
    const uint64_t type = number(at + 2, 2);
    if (number(at, 2) != kOrientation || (type != kShort && type != kLong)) continue;
    const uint64_t value = number(at + 8, type == kShort ? 2 : 4);
    orientation = value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return orientation;
}

StoredImage decode_stored(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  if (is_png(bytes)) return decode_png(bytes, name, limits);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name, limits);
  if (is_webp(bytes)) return decode_webp(bytes, name, limits);
  if (is_gif(bytes)) return decode_gif(bytes, name, limits);
  if (is_bmp(bytes)) return decode_bmp(bytes, name, limits);
  fail_decode(name, 0,
              std::string("a PNG, JPEG, WebP, GIF or BMP image, got ") +
                  (bytes.empty() ? "an empty file" : "another kind of file"));
}

Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  return to_rgb_scaled(turned_upright(decode_stored(bytes, name, limits)));
}

StoredImage read_stored(const std::filesystem::path& path, const DecodeLimits& limits) {
  return decode_stored(read_file(path, kMaxFileBytes), path.string(), limits);
}

Image read_image(const std::filesystem::path& path, const DecodeLimits& limits) {
  return decode_image(read_file(path, kMaxFileBytes), path.string(), limits);
}

void write_png(const std::filesystem::path& path, const Image& image, const std::map<std::string, std::string>& text) {
  write_file_atomic(path, encode_png(image, text));
}

}  // namespace noisescope::io
