// BMP: a header, a palette or channel masks, and rows. Uncompressed files, 1 to 32 bits a pixel; alpha is left out.
#include <algorithm>
#include <array>
#include <bit>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_codec.h"

namespace noisescope::io {
namespace {

constexpr size_t kFileHeader = 14, kCoreHeader = 12, kInfoHeader = 40;
constexpr uint32_t kPlain = 0, kBitFields = 3, kAlphaBitFields = 6;

using Masks = std::array<uint32_t, 3>;  // red, green, blue

class BmpReader {
 public:
  BmpReader(std::string_view bytes, const std::string& name, const DecodeLimits& limits)
      : bytes_(bytes), name_(name), limits_(limits) {}

  StoredImage read() {
    read_header();
    Image image = make_checked_image(width_, height_, bits_ <= 8 ? 1 : 3, name_, limits_);
    const uint64_t stride = (width_ * bits_ + 31) / 32 * 4;
    need(pixels_at_ + stride * height_ <= bytes_.size(),
         format_text("{} bytes of pixels at byte {}", stride * height_, pixels_at_),
         format_text("{} bytes in all", bytes_.size()));
    for (uint64_t y = 0; y < height_; ++y) {
      const uint64_t row = pixels_at_ + stride * (top_down_ ? y : height_ - 1 - y);
      uint8_t* target = image.at(static_cast<int64_t>(y), 0);
      bits_ <= 8 ? read_indices(row, target) : read_colours(row, target);
    }
    if (bits_ > 8) return {std::move(image), PixelMode::rgb};
    return look_up(std::move(image), palette_);
  }

 private:
  void need(bool holds, const std::string& wanted, const std::string& got) const {
    if (!holds) fail_decode(name_, 0, "a whole BMP image with " + wanted + ", got " + got);
  }

  uint32_t number(size_t at, size_t count) const {
    need(at + count <= bytes_.size(), "its header", format_text("{} bytes in all", bytes_.size()));
    uint32_t value = 0;
    for (size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return value;
  }

  void read_header() {
    pixels_at_ = number(10, 4);
    const size_t header = number(14, 4);
    const bool core = header == kCoreHeader;
    need(core || (header >= kInfoHeader && header <= 256), "a header of 12 or 40 to 256 bytes",
         format_text("{}", header));
    const size_t side_bytes = core ? 2 : 4;
    width_ = number(18, side_bytes);
    const uint32_t height = number(18 + side_bytes, side_bytes);
    top_down_ = !core && (height >> 31) != 0;  // a negative number
    height_ = top_down_ ? uint64_t{~height} + 1 : height;
    bits_ = number(core ? 24 : 28, 2);
    const uint32_t compression = core ? kPlain : number(30, 4);
    need(bits_ == 1 || bits_ == 4 || bits_ == 8 || bits_ == 16 || bits_ == 24 || bits_ == 32,
         "1, 4, 8, 16, 24 or 32 bits a pixel", format_text("{}", bits_));
    const bool has_masks = (compression == kBitFields || compression == kAlphaBitFields) && bits_ >= 16 && bits_ != 24;
    need(compression == kPlain || has_masks, "uncompressed pixels",
         format_text("compression {}; save it as PNG", compression));
    if (bits_ <= 8) read_palette(kFileHeader + header, core);
    if (bits_ == 16) masks_ = {0x7c00, 0x03e0, 0x001f};
    if (has_masks) {
      for (size_t c = 0; c < 3; ++c) masks_[c] = number(kFileHeader + kInfoHeader + 4 * c, 4);
    }
  }

  void read_palette(size_t at, bool core) {
    const uint32_t stated = core ? 0 : number(46, 4);
    const size_t entry = core ? 3 : 4, count = stated == 0 ? size_t{1} << bits_ : std::min<size_t>(stated, 256);
    for (size_t i = 0; i < count; ++i) {  // blue, green, red
      const uint32_t colour = number(at + entry * i, 3);
      palette_.push_back({uint8_t(colour >> 16), uint8_t(colour >> 8), uint8_t(colour)});
    }
  }

  void read_indices(uint64_t start, uint8_t* target) const {
    for (uint64_t x = 0; x < width_; ++x) {
      const auto byte = static_cast<unsigned char>(bytes_[start + x * bits_ / 8]);
      target[x] = static_cast<uint8_t>(byte >> (8 - bits_ - x * bits_ % 8)) & static_cast<uint8_t>((1 << bits_) - 1);
    }
  }

  void read_colours(uint64_t start, uint8_t* rgb) const {
    for (uint64_t x = 0; x < width_; ++x) {
      const uint32_t value = number(start + x * bits_ / 8, bits_ / 8);
      for (const uint32_t mask : masks_) *rgb++ = channel(value, mask);
    }
  }

  /// The bits of `mask` in `value`, stretched to 0 .. 255.
  static uint8_t channel(uint32_t value, uint32_t mask) {
    if (mask == 0) return 0;
    const uint64_t full = mask >> std::countr_zero(mask);
    const uint64_t part = (value & mask) >> std::countr_zero(mask);
    return static_cast<uint8_t>(part * 255 / full);
  }

  std::string_view bytes_;
  const std::string& name_;
  const DecodeLimits& limits_;
  uint64_t pixels_at_ = 0, width_ = 0, height_ = 0, bits_ = 0;
  bool top_down_ = false;
  Masks masks_ = {0xff0000, 0x00ff00, 0x0000ff};
  Palette palette_;
};

}  // namespace

bool is_bmp(std::string_view bytes) { return bytes.starts_with("BM"); }

StoredImage decode_bmp(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  return BmpReader(bytes, name, limits).read();
}

}  // namespace noisescope::io
