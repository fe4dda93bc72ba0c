// The 8-bit image of file formats. No torch here.
#pragma once

#include <cstdint>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// Rows from the top, `channels` interleaved values a pixel (1 gray, 3 RGB, 4 RGBA).
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 3;
  std::vector<uint8_t> pixels;  // height * width * channels

  uint8_t* at(int64_t y, int64_t x) { return pixels.data() + (y * width + x) * channels; }
  const uint8_t* at(int64_t y, int64_t x) const { return pixels.data() + (y * width + x) * channels; }
};

}  // namespace noisescope::io
