#include "noisescope/io/codec/image_file.h"

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
  fail_decode(
      name, 0,
      bytes.empty() ? "a PNG or JPEG image, got an empty file" : "a PNG or JPEG image, got another kind of file");
}

Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  return to_rgb_scaled(decode_stored(bytes, name, limits));
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
