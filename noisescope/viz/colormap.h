// Colours of figures: two perceptually uniform maps, a categorical palette, and numbers -> pictures.
//
// The maps are curves in OKLab (Ottosson 2020, "A perceptual color space for image processing"),
// walked at constant speed, so equal steps of a value look equally large. Lightness alone orders the
// sequential map: it survives gray print and every kind of colour blindness. The diverging map runs
// from blue over near-white to orange with equal lightness on both sides; blue against orange is the
// pair that red-green blindness keeps apart.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/tensor.h"
#include "noisescope/io/image.h"

namespace noisescope::viz {

struct Rgb {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Rgb&) const = default;
};

/// "#rrggbb"
std::string hex_colour(Rgb color);

enum class ColourMap { sequential, diverging };
NOISESCOPE_ENUM(ColourMap, sequential, diverging)

/// 256 colours from the lowest to the highest value. Made once, then shared.
const std::array<Rgb, 256>& colour_table(ColourMap map);

/// Colour of what is no number, in both maps: a middle gray that neither map holds.
inline constexpr Rgb kNotANumberColour{0x9a, 0x9a, 0x9a};

/// Okabe and Ito's eight colours ("Color universal design", 2008): black, orange, sky blue, green,
/// yellow, blue, vermilion, purple.
inline constexpr std::array<Rgb, 8> kOkabeIto = {{{0x00, 0x00, 0x00},
                                                  {0xe6, 0x9f, 0x00},
                                                  {0x56, 0xb4, 0xe9},
                                                  {0x00, 0x9e, 0x73},
                                                  {0xf0, 0xe4, 0x42},
                                                  {0x00, 0x72, 0xb2},
                                                  {0xd5, 0x5e, 0x00},
                                                  {0xcc, 0x79, 0xa7}}};

struct ValueRange {
  double low = 0;
  double high = 1;
};

/// Smallest and largest finite value, widened if they are equal; [0, 1] where none is finite.
ValueRange value_range(const Tensor& values);

/// [-m, m] with m the quantile `share` of the finite magnitudes: a few extremes do not wash out the
/// rest. m = 1 where all are zero.
ValueRange symmetric_range(const Tensor& values, double share = 0.995);

/// Scalars [H, W] of any real dtype as an RGB picture; values outside of `range` take its end colours.
Image colour_image(const Tensor& values, ColourMap map, ValueRange range);

/// [3, H, W] or [1, H, W] in [-1, 1] as an RGB picture, round to nearest, values outside clamped.
Image to_image(const Tensor& picture);

/// A signed [3, H, W] as RGB: middle gray is 0, white and black are +-`magnitude` (channel by channel).
Image signed_image(const Tensor& values, double magnitude);

/// What a colour bar beside a map says.
struct ColourBar {
  ColourMap map = ColourMap::sequential;
  ValueRange range;
  std::string unit;
};

}  // namespace noisescope::viz
