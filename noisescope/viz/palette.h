// Colour reduction for formats with 256 colours. No torch here.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "noisescope/io/image.h"

namespace noisescope::viz {

/// At most `colors` colours chosen for RGB pictures by median cut (Heckbert 1982, "Color image
/// quantization for frame buffer display"): the box of the largest spread is halved at its weighted
/// median until there are enough. Pictures with few colours keep them exactly.
class Palette {
 public:
  explicit Palette(const std::vector<const Image*>& pictures, size_t colors = 256);

  /// r, g, b of each colour.
  const std::vector<uint8_t>& colors() const { return colours_; }
  size_t size() const { return colours_.size() / 3; }

  /// The colour numbers of a picture's pixels. With `dither`, errors are passed on to the neighbours
  /// (Floyd and Steinberg 1976): smoother gradients, more noise, larger files.
  std::vector<uint8_t> indices(const Image& picture, bool dither = false) const;

 private:
  uint8_t nearest(const double* rgb) const;

  std::vector<uint8_t> colours_;
  std::unordered_map<uint32_t, uint8_t> exact_;   // numbers of colours that are kept exactly
  mutable std::vector<int16_t> nearest_of_cell_;  // cache of nearest(), by 6 bits a channel; -1: empty
};

}  // namespace noisescope::viz
