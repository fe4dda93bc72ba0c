#include "noisescope/io/resize.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of pixel and 2 of overshoot beside the weight
constexpr double kSupport = 2.0;            // of the cubic kernel, in pixels

/// Keys' kernel with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The input pixels first, first + 1, ... that make one output pixel, and their weights.
template <class Weight>
struct Taps {
  int64_t first = 0;
  std::vector<Weight> weights;
};

/// The taps of every output pixel along one axis; weights of a pixel add up to one.
std::vector<Taps<double>> make_taps(int64_t input_size, int64_t output_size) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(output_size);
  const double filter_scale = std::max(scale, 1.0);  // antialias: widen when shrinking
  const double support = kSupport * filter_scale;
  const double inverse = 1.0 / filter_scale;
  std::vector<Taps<double>> all(static_cast<size_t>(output_size));
  for (int64_t i = 0; i < output_size; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const auto last = std::min(static_cast<int64_t>(center + support + 0.5), input_size);
    Taps<double>& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    double sum = 0.0;
    for (int64_t x = first; x < last; ++x) {
      taps.weights.push_back(cubic((static_cast<double>(x) - center + 0.5) * inverse));
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) {
      if (sum != 0.0) weight /= sum;
    }
  }
  return all;
}

std::vector<Taps<int32_t>> make_fixed_taps(int64_t input_size, int64_t output_size) {
  std::vector<Taps<int32_t>> all;
  for (const Taps<double>& exact : make_taps(input_size, output_size)) {
    all.push_back({exact.first, {}});
    for (const double weight : exact.weights) {
      all.back().weights.push_back(static_cast<int32_t>(std::copysign(0.5, weight) + weight * (1 << kPrecisionBits)));
    }
  }
  return all;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);

Image empty_like(const Image& image, int64_t width, int64_t height) {
  Image result;
  result.width = width;
  result.height = height;
  result.channels = image.channels;
  result.pixels.resize(static_cast<size_t>(width * height * image.channels));
  return result;
}

Image resize_rows(const Image& image, int64_t width) {
  const std::vector<Taps<int32_t>> all = make_fixed_taps(image.width, width);
  Image result = empty_like(image, width, image.height);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const Taps<int32_t>& taps = all[static_cast<size_t>(x)];
      for (int64_t c = 0; c < image.channels; ++c) {
        const uint8_t* pixel = image.at(y, taps.first) + c;
        int32_t sum = kHalf;
        for (const int32_t weight : taps.weights) {
          sum += *pixel * weight;
          pixel += image.channels;
        }
        result.at(y, x)[c] = to_byte(sum);
      }
    }
  }
  return result;
}

Image resize_columns(const Image& image, int64_t height) {
  const std::vector<Taps<int32_t>> all = make_fixed_taps(image.height, height);
  Image result = empty_like(image, image.width, height);
  const int64_t row_size = image.width * image.channels;
  std::vector<int32_t> sums(static_cast<size_t>(row_size));
  for (int64_t y = 0; y < height; ++y) {
    const Taps<int32_t>& taps = all[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      const uint8_t* row = image.at(taps.first + static_cast<int64_t>(k), 0);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[i] * taps.weights[k];
    }
    std::transform(sums.begin(), sums.end(), result.at(y, 0), to_byte);
  }
  return result;
}

std::string size_text(int64_t width, int64_t height) { return format_text("{} x {}", width, height); }

/// Pillow's choice of the first pass since version 13 (found by comparing both orders with it on all
/// shrinkings of several sizes): the columns where they lose more than twice as many pixels.
bool columns_first(const Image& image, int64_t width, int64_t height) {
  return height < image.height && image.height - height > 2 * (image.width - width);
}

/// One pass over 16-bit gray: pixels of a line are `stride` bytes apart, lines `line_stride`.
void resize_lines_16(const uint8_t* from, uint8_t* to, const std::vector<Taps<double>>& all, int64_t lines,
                     int64_t stride, int64_t line_stride, int64_t to_line_stride) {
  for (int64_t line = 0; line < lines; ++line) {
    for (size_t i = 0; i < all.size(); ++i) {
      const uint8_t* pixel = from + line * line_stride + all[i].first * stride;
      double sum = 0.0;
      for (const double weight : all[i].weights) {
        sum += (pixel[0] * 256 + pixel[1]) * weight;
        pixel += stride;
      }
      const auto value = static_cast<int>(std::clamp(sum + 0.5, 0.0, 65535.0));
      uint8_t* target = to + line * to_line_stride + static_cast<int64_t>(i) * stride;
      target[0] = static_cast<uint8_t>(value >> 8);
      target[1] = static_cast<uint8_t>(value & 0xFF);
    }
  }
}

Image resize_rows_16(const Image& image, int64_t width) {
  Image result = empty_like(image, width, image.height);
  resize_lines_16(image.at(0, 0), result.at(0, 0), make_taps(image.width, width), image.height, 2, 2 * image.width,
                  2 * width);
  return result;
}

/// A column is a line whose pixels are a row apart.
Image resize_columns_16(const Image& image, int64_t height) {
  Image result = empty_like(image, image.width, height);
  resize_lines_16(image.at(0, 0), result.at(0, 0), make_taps(image.height, height), image.width, 2 * image.width, 2, 2);
  return result;
}

}  // namespace

Image resize_bicubic(const Image& image, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || image.width < 1 || image.height < 1) {
    throw ValueError(format_text("[io.resize_bicubic] expected sizes of at least 1 px, got {} to {}",
                                 size_text(image.width, image.height), size_text(width, height)));
  }
  if (width == image.width && height == image.height) return image;
  if (width == image.width) return resize_columns(image, height);
  if (height == image.height) return resize_rows(image, width);
  if (columns_first(image, width, height)) return resize_rows(resize_columns(image, height), width);
  return resize_columns(resize_rows(image, width), height);
}

Image resize_bicubic_16(const Image& image, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || image.width < 1 || image.height < 1 || image.channels != 2) {
    throw ValueError(
        format_text("[io.resize_bicubic_16] expected 2 channels and sizes of at least 1 px, "
                    "got {} and {} to {}",
                    image.channels, size_text(image.width, image.height), size_text(width, height)));
  }
  if (width == image.width) return resize_columns_16(image, height);
  if (height == image.height) return resize_rows_16(image, width);
  if (columns_first(image, width, height)) {
    return resize_rows_16(resize_columns_16(image, height), width);
  }
  return resize_columns_16(resize_rows_16(image, width), height);
}

std::pair<int64_t, int64_t> shortest_side_size(const Image& image, int64_t side) {
  const int64_t shorter = std::min(image.width, image.height);
  if (shorter < 1 || side < 1) {
    throw ValueError(format_text("[io.shortest_side_size] expected sizes of at least 1 px, got {} to {}",
                                 size_text(image.width, image.height), side));
  }
  const auto scaled = [&](int64_t length) { return length == shorter ? side : side * length / shorter; };
  return {scaled(image.width), scaled(image.height)};
}

Image resize_shortest_side(const Image& image, int64_t side) {
  const auto [width, height] = shortest_side_size(image, side);
  return resize_bicubic(image, width, height);
}

Image crop(const Image& image, int64_t left, int64_t top, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || left < 0 || top < 0 || left > image.width - width || top > image.height - height) {
    throw ValueError(format_text("[io.crop] expected a crop within the image, got {} at ({}, {}) of {}",
                                 size_text(width, height), left, top, size_text(image.width, image.height)));
  }
  Image result = empty_like(image, width, height);
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(image.at(top + y, left), width * image.channels, result.at(y, 0));
  }
  return result;
}

Image center_crop(const Image& image, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || width > image.width || height > image.height) {
    throw ValueError(format_text("[io.center_crop] expected a crop within the image, got {} of {}; resize it first",
                                 size_text(width, height), size_text(image.width, image.height)));
  }
  return crop(image, half_to_even(image.width - width), half_to_even(image.height - height), width, height);
}

Image resize_and_crop(const Image& image, int64_t side) {
  return center_crop(resize_shortest_side(image, side), side, side);
}

}  // namespace noisescope::io
