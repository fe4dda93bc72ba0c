#include "noisescope/io/codec/image_file.h"

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_codec.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

}  // namespace

void fail_decode(const std::string& name, uint64_t byte_offset, const std::string& what) {
  throw FormatError(name, byte_offset, "[io.decode_image] expected " + what);
}

Image make_checked_image(uint64_t width, uint64_t height, const std::string& name,
                         const DecodeLimits& limits) {
  const auto max_side = static_cast<uint64_t>(limits.max_side_px);
  // Sides first: their product could overflow.
  if (width == 0 || height == 0 || width > max_side || height > max_side ||
      width * height > static_cast<uint64_t>(limits.max_pixels)) {
    fail_decode(name, 0, "an image of at most " + std::to_string(limits.max_side_px) +
                             " px a side and " + std::to_string(limits.max_pixels) + " px, got " +
                             std::to_string(width) + " x " + std::to_string(height));
  }
  Image image;
  image.width = static_cast<int64_t>(width);
  image.height = static_cast<int64_t>(height);
  image.channels = 3;
  image.pixels.resize(width * height * 3);
  return image;
}

Image decode_image(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  if (is_png(bytes)) return decode_png(bytes, name, limits);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name, limits);
  fail_decode(name, 0, bytes.empty() ? "a PNG or JPEG image, got an empty file"
                                     : "a PNG or JPEG image, got another kind of file");
}

Image read_image(const std::filesystem::path& path, const DecodeLimits& limits) {
  return decode_image(read_file(path, kMaxFileBytes), path.string(), limits);
}

void write_png(const std::filesystem::path& path, const Image& image,
               const std::map<std::string, std::string>& text) {
  write_file_atomic(path, encode_png(image, text));
}

}  // namespace noisescope
