// An image as its file holds it, and what becomes of it on the way to RGB, as Pillow does it.
// No torch here.
#pragma once

#include "noisescope/io/image.h"

namespace noisescope::io {

/// How the pixels of a file are to be read; Pillow's mode in brackets.
enum class PixelMode {
  gray,        // [L]      1 channel
  grey_alpha,  // [LA]     2
  rgb,         // [RGB]    3
  rgba,        // [RGBA]   4
  cmyk,        // [CMYK]   4 channels of ink, 255 = full
  bilevel,     // [1]      1 channel, 0 or 255
  palette,     // [P]      3 channels, looked up already
  grey16,      // [I;16]   2 channels: high byte, low byte
};

struct StoredImage {
  Image image;
  PixelMode mode = PixelMode::rgb;
  int orientation = 1;  // of EXIF, 1 to 8: how a viewer would turn it
  int64_t frames = 1;   // of the file; `image` is the first
};

/// Pillow's convert("RGB"): gray replicated, alpha dropped, ink mixed, 16-bit gray cut off at 255.
Image to_rgb(const StoredImage& stored);

/// As to_rgb, but 16-bit gray keeps its high byte: all that was seen is still seen.
Image to_rgb_scaled(const StoredImage& stored);

/// Pillow's resize((width, height), BICUBIC) in the mode of the file: bilevel and palette pictures by
/// the nearest pixel, with alpha premultiplied around the filter, 16-bit gray in floating point.
/// A copy if the size is already so. Throws ValueError for sizes below 1.
StoredImage resize_stored(const StoredImage& stored, int64_t width, int64_t height);

/// Turned upright (Pillow's ImageOps.exif_transpose); the result has orientation 1.
StoredImage turned_upright(StoredImage stored);

}  // namespace noisescope::io
