#include "noisescope/io/stored_image.h"

#include <algorithm>
#include <utility>

#include "noisescope/io/resize.h"

namespace noisescope::io {
namespace {

/// Pillow's product of two fractions of 255.
uint8_t multiply_255(int a, int b) {
  const int product = a * b + 128;
  return static_cast<uint8_t>(((product >> 8) + product) >> 8);
}

Image blank_image(int64_t width, int64_t height, int64_t channels) {
  Image result{.width = width, .height = height, .channels = channels, .pixels = {}};
  result.pixels.resize(static_cast<size_t>(width * height * channels));
  return result;
}

/// Each pixel by `write(source, target)`.
template <class Write>
Image map_pixels(const Image& image, int64_t channels, const Write& write) {
  Image result = blank_image(image.width, image.height, channels);
  const int64_t count = image.width * image.height;
  for (int64_t i = 0; i < count; ++i) {
    write(image.pixels.data() + i * image.channels, result.pixels.data() + i * channels);
  }
  return result;
}

void replicate(uint8_t gray, uint8_t* rgb) { rgb[0] = rgb[1] = rgb[2] = gray; }

void mix_ink(const uint8_t* cmyk, uint8_t* rgb) {
  const int light = 255 - cmyk[3];
  for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(light - multiply_255(cmyk[c], light));
}

/// All channels but the last times the last.
Image premultiplied(const Image& image) {
  const int64_t last = image.channels - 1;
  return map_pixels(image, image.channels, [last](const uint8_t* from, uint8_t* to) {
    for (int64_t c = 0; c < last; ++c) to[c] = multiply_255(from[c], from[last]);
    to[last] = from[last];
  });
}

Image unpremultiplied(const Image& image) {
  const int64_t last = image.channels - 1;
  return map_pixels(image, image.channels, [last](const uint8_t* from, uint8_t* to) {
    const int alpha = from[last];
    for (int64_t c = 0; c < last; ++c) {
      const bool as_is = alpha == 0 || alpha == 255;
      to[c] = as_is ? from[c] : static_cast<uint8_t>(std::min(255, 255 * from[c] / alpha));
    }
    to[last] = from[last];
  });
}

/// The input position of every output pixel, added up in double as Pillow does.
std::vector<int64_t> nearest_positions(int64_t input_size, int64_t output_size) {
  const double step = static_cast<double>(input_size) / static_cast<double>(output_size);
  std::vector<int64_t> positions;
  double at = step * 0.5;
  for (int64_t i = 0; i < output_size; ++i, at += step) {
    positions.push_back(std::min(static_cast<int64_t>(at), input_size - 1));
  }
  return positions;
}

Image resize_nearest(const Image& image, int64_t width, int64_t height) {
  const std::vector<int64_t> columns = nearest_positions(image.width, width);
  const std::vector<int64_t> rows = nearest_positions(image.height, height);
  Image result = blank_image(width, height, image.channels);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      std::copy_n(image.at(rows[static_cast<size_t>(y)], columns[static_cast<size_t>(x)]), image.channels,
                  result.at(y, x));
    }
  }
  return result;
}

/// Where pixel (x, y) of the upright image lies in the stored one (w x h), for EXIF orientation 2 to 8.
std::pair<int64_t, int64_t> stored_position(int orientation, int64_t x, int64_t y, int64_t w, int64_t h) {
  switch (orientation) {
    case 2:
      return {w - 1 - x, y};
    case 3:
      return {w - 1 - x, h - 1 - y};
    case 4:
      return {x, h - 1 - y};
    case 5:
      return {y, x};
    case 6:
      return {y, h - 1 - x};
    case 7:
      return {w - 1 - y, h - 1 - x};
    case 8:
      return {w - 1 - y, x};
    default:
      return {x, y};
  }
}

Image to_rgb(const StoredImage& stored, bool cuts_grey16) {
  switch (stored.mode) {
    case PixelMode::rgb:
    case PixelMode::palette:
      return stored.image;
    case PixelMode::rgba:
      return map_pixels(stored.image, 3, [](const uint8_t* from, uint8_t* to) { std::copy_n(from, 3, to); });
    case PixelMode::cmyk:
      return map_pixels(stored.image, 3, mix_ink);
    case PixelMode::grey16:
      return map_pixels(stored.image, 3, [cuts_grey16](const uint8_t* from, uint8_t* to) {
        const uint8_t cut = from[0] == 0 ? from[1] : 255;
        replicate(cuts_grey16 ? cut : from[0], to);
      });
    default:
      return map_pixels(stored.image, 3, [](const uint8_t* from, uint8_t* to) { replicate(from[0], to); });
  }
}

}  // namespace

Image to_rgb(const StoredImage& stored) { return to_rgb(stored, true); }

Image to_rgb_scaled(const StoredImage& stored) { return to_rgb(stored, false); }

StoredImage resize_stored(const StoredImage& stored, int64_t width, int64_t height) {
  StoredImage result{.image = {}, .mode = stored.mode, .orientation = stored.orientation, .frames = stored.frames};
  const bool same_size = width == stored.image.width && height == stored.image.height;
  switch (same_size || width < 1 || height < 1 ? PixelMode::rgb : stored.mode) {
    case PixelMode::bilevel:
    case PixelMode::palette:
      result.image = resize_nearest(stored.image, width, height);
      break;
    case PixelMode::grey_alpha:
    case PixelMode::rgba:
      result.image = unpremultiplied(resize_bicubic(premultiplied(stored.image), width, height));
      break;
    case PixelMode::grey16:
      result.image = resize_bicubic_16(stored.image, width, height);
      break;
    default:
      result.image = resize_bicubic(stored.image, width, height);
  }
  return result;
}

StoredImage turned_upright(StoredImage stored) {
  if (stored.orientation < 2 || stored.orientation > 8) {
    stored.orientation = 1;
    return stored;
  }
  const Image& from = stored.image;
  const bool swaps = stored.orientation >= 5;
  StoredImage result{
      .image = blank_image(swaps ? from.height : from.width, swaps ? from.width : from.height, from.channels),
      .mode = stored.mode,
      .orientation = 1,
      .frames = stored.frames};
  for (int64_t y = 0; y < result.image.height; ++y) {
    for (int64_t x = 0; x < result.image.width; ++x) {
      const auto [fx, fy] = stored_position(stored.orientation, x, y, from.width, from.height);
      std::copy_n(from.at(fy, fx), from.channels, result.image.at(y, x));
    }
  }
  return result;
}

}  // namespace noisescope::io
