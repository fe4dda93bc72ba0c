// The entry of PNG and JPEG files, decoded to the last row under small limits.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <zlib.h>

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"

namespace noisescope {
namespace {

/// Gives every chunk of a PNG the checksum of what it holds, so that damage gets past that check.
void repair_checksums(std::string& bytes) {
  const auto number_at = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
    return value;
  };
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = number_at(at);
    if (length > bytes.size() - at - 12) return;
    const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + at + 4), static_cast<uInt>(length + 4));
    for (size_t i = 0; i < 4; ++i) {
      bytes[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i));
    }
    at += length + 12;
  }
}

void decode(std::string_view bytes) {
  const DecodeLimits limits{.max_side_px = 512, .max_pixels = 1 << 16, .max_scans = 20};
  try {
    const Image image = decode_image(bytes, "fuzz", limits);
    const auto expected = static_cast<size_t>(image.width * image.height * 3);
    if (image.channels != 3 || image.pixels.size() != expected) std::abort();
  } catch (const FormatError&) {
  }
  try {
    png_text(bytes, "fuzz");
  } catch (const FormatError&) {
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  noisescope::decode(bytes);
  if (bytes.starts_with("\x89PNG")) {
    noisescope::repair_checksums(bytes);
    noisescope::decode(bytes);
  }
  return 0;
}
