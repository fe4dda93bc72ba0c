#include "noisescope/io/resize.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "noisescope/core/error.h"

namespace noisescope {
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
struct Taps {
  int64_t first = 0;
  std::vector<int32_t> weights;
};

/// The taps of every output pixel along one axis.
std::vector<Taps> make_taps(int64_t input_size, int64_t output_size) {
  const double scale = static_cast<double>(input_size) / static_cast<double>(output_size);
  const double filter_scale = std::max(scale, 1.0);  // antialias: widen when shrinking
  const double support = kSupport * filter_scale;
  const double inverse = 1.0 / filter_scale;
  std::vector<Taps> all(static_cast<size_t>(output_size));
  std::vector<double> weights;
  for (int64_t i = 0; i < output_size; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const auto last = std::min(static_cast<int64_t>(center + support + 0.5), input_size);
    double sum = 0.0;
    weights.clear();
    for (int64_t x = first; x < last; ++x) {
      weights.push_back(cubic((static_cast<double>(x) - center + 0.5) * inverse));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    for (double weight : weights) {
      if (sum != 0.0) weight /= sum;
      taps.weights.push_back(
          static_cast<int32_t>(std::copysign(0.5, weight) + weight * (1 << kPrecisionBits)));
    }
  }
  return all;
}

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

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
  const std::vector<Taps> all = make_taps(image.width, width);
  Image result = empty_like(image, width, image.height);
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const Taps& taps = all[static_cast<size_t>(x)];
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
  const std::vector<Taps> all = make_taps(image.height, height);
  Image result = empty_like(image, image.width, height);
  const int64_t row_size = image.width * image.channels;
  std::vector<int32_t> sums(static_cast<size_t>(row_size));
  for (int64_t y = 0; y < height; ++y) {
    const Taps& taps = all[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      const uint8_t* row = image.at(taps.first + static_cast<int64_t>(k), 0);
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[i] * taps.weights[k];
    }
    std::transform(sums.begin(), sums.end(), result.at(y, 0), to_byte);
  }
  return result;
}

std::string size_text(int64_t width, int64_t height) {
  return std::to_string(width) + " x " + std::to_string(height);
}

/// round(value / 2) with halves to even, for value >= 0.
int64_t half_to_even(int64_t value) {
  return value / 2 + (value % 4 == 3 ? 1 : 0);
}

}  // namespace

Image resize_bicubic(const Image& image, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || image.width < 1 || image.height < 1) {
    throw ValueError("[io.resize_bicubic] expected sizes of at least 1 px, got " +
                     size_text(image.width, image.height) + " to " + size_text(width, height));
  }
  if (width == image.width && height == image.height) return image;
  if (width == image.width) return resize_columns(image, height);
  if (height == image.height) return resize_rows(image, width);
  return resize_columns(resize_rows(image, width), height);
}

Image resize_shortest_side(const Image& image, int64_t side) {
  const int64_t shorter = std::min(image.width, image.height);
  if (shorter < 1 || side < 1) return resize_bicubic(image, side, side);  // throws
  const auto scaled = [&](int64_t length) { return length == shorter ? side : side * length / shorter; };
  return resize_bicubic(image, scaled(image.width), scaled(image.height));
}

Image center_crop(const Image& image, int64_t width, int64_t height) {
  if (width < 1 || height < 1 || width > image.width || height > image.height) {
    throw ValueError("[io.center_crop] expected a crop within the image, got " +
                     size_text(width, height) + " of " + size_text(image.width, image.height) +
                     "; resize it first");
  }
  const int64_t left = half_to_even(image.width - width);
  const int64_t top = half_to_even(image.height - height);
  Image result = empty_like(image, width, height);
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(image.at(top + y, left), width * image.channels, result.at(y, 0));
  }
  return result;
}

Image resize_and_crop(const Image& image, int64_t side) {
  return center_crop(resize_shortest_side(image, side), side, side);
}

}  // namespace noisescope
