// Resampling of 8-bit images, bit for bit as Pillow does it. No torch here.
#pragma once

#include "noisescope/io/image.h"

namespace noisescope {

/// Pillow's Image.resize((width, height), BICUBIC): cubic convolution with a = -0.5 (Keys 1981,
/// "Cubic convolution interpolation for digital image processing", eq. 15), widened by the scale when
/// shrinking, in 22-bit fixed point, horizontally first and rounded to 8 bits in between.
/// Any number of channels; alpha is a channel like the others. Sizes >= 1, else ValueError.
Image resize_bicubic(const Image& image, int64_t width, int64_t height);

/// Resizes so that the shorter side is `side` and the longer one int(side * long / short), as CLIP's
/// preprocessing does. A copy if it is so already.
Image resize_shortest_side(const Image& image, int64_t side);

/// The middle `width` x `height`. The first row is round((H - height) / 2) with halves to even, as in
/// torchvision and open_clip. Throws ValueError if the image is smaller.
Image center_crop(const Image& image, int64_t width, int64_t height);

/// resize_shortest_side, then center_crop: a square of `side` px.
Image resize_and_crop(const Image& image, int64_t side);

}  // namespace noisescope
