// The decoders behind decode_image, one a format; private to io/codec.
#pragma once

#include <array>
#include <vector>

#include "noisescope/io/codec/image_file.h"

namespace noisescope::io {

bool is_png(std::string_view bytes);
bool is_jpeg(std::string_view bytes);
bool is_webp(std::string_view bytes);
bool is_gif(std::string_view bytes);
bool is_bmp(std::string_view bytes);
StoredImage decode_png(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
StoredImage decode_jpeg(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
StoredImage decode_webp(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
StoredImage decode_gif(std::string_view bytes, const std::string& name, const DecodeLimits& limits);
StoredImage decode_bmp(std::string_view bytes, const std::string& name, const DecodeLimits& limits);

using Palette = std::vector<std::array<uint8_t, 3>>;  // RGB

/// The picture of `indices` (one channel) in these colours, black beyond the last. Gray where every colour is its own
/// number, as in Pillow.
StoredImage look_up(Image indices, const Palette& palette);

/// An empty image of this size; throws FormatError if it is beyond the limits.
Image make_checked_image(uint64_t width, uint64_t height, int64_t channels, const std::string& name,
                         const DecodeLimits& limits);

/// The orientation that EXIF data (a TIFF header and its first directory) state; 1 if none.
int exif_orientation(std::string_view exif);

/// FormatError "[io.decode_image] expected <what>, got <value>; ...".
[[noreturn]] void fail_decode(const std::string& name, uint64_t byte_offset, const std::string& what);

}  // namespace noisescope::io
