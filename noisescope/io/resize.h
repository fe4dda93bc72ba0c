// Resampling of 8-bit images, bit for bit as Pillow does it. No torch here.
#pragma once

#include <utility>

#include "noisescope/io/image.h"

namespace noisescope::io {

/// Pillow's Image.resize((width, height), BICUBIC): cubic convolution with a = -0.5 (Keys 1981,
/// "Cubic convolution interpolation for digital image processing", eq. 15), widened by the scale when
/// shrinking, in 22-bit fixed point, rounded to 8 bits between the passes. Rows are resized first,
/// unless the columns lose more than twice as many pixels (so Pillow since version 13; earlier ones
/// always begin with the rows, which is up to 1/255 away on such tall pictures).
/// Any number of channels; alpha is a channel like the others. Sizes >= 1, else ValueError.
Image resize_bicubic(const Image& image, int64_t width, int64_t height);

/// The same for 16-bit gray in 2 channels (high byte, low byte): weights in double, rounded and cut off
/// to 16 bits after each pass.
Image resize_bicubic_16(const Image& image, int64_t width, int64_t height);

/// (width, height) with the shorter side `side` and the longer one int(side * long / short).
std::pair<int64_t, int64_t> shortest_side_size(const Image& image, int64_t side);

/// Resizes so that the shorter side is `side` and the longer one int(side * long / short), as CLIP's
/// preprocessing does. A copy if it is so already.
Image resize_shortest_side(const Image& image, int64_t side);

/// Columns and rows [left, left + width) x [top, top + height). Throws ValueError if outside.
Image crop(const Image& image, int64_t left, int64_t top, int64_t width, int64_t height);

/// round(value / 2) with halves to even, for value >= 0.
constexpr int64_t half_to_even(int64_t value) { return value / 2 + (value % 4 == 3 ? 1 : 0); }

/// The middle `width` x `height`. The first row is round((H - height) / 2) with halves to even, as in
/// torchvision and open_clip. Throws ValueError if the image is smaller.
Image center_crop(const Image& image, int64_t width, int64_t height);

/// resize_shortest_side, then center_crop: a square of `side` px.
Image resize_and_crop(const Image& image, int64_t side);

}  // namespace noisescope::io
