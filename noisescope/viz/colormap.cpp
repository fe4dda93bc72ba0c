#include "noisescope/viz/colormap.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::viz {
namespace {

struct OkLab {
  double L, a, b;
};

OkLab from_lch(double lightness, double chroma, double hue_degrees) {
  const double h = hue_degrees * std::numbers::pi / 180;
  return {lightness, chroma * std::cos(h), chroma * std::sin(h)};
}

uint8_t srgb_byte(double linear) {
  const double c = std::clamp(linear, 0.0, 1.0);
  const double encoded = c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255 * encoded));
}

/// Ottosson's matrices, OKLab -> linear sRGB.
Rgb to_rgb(const OkLab& c) {
  const double l = std::pow(c.L + 0.3963377774 * c.a + 0.2158037573 * c.b, 3);
  const double m = std::pow(c.L - 0.1055613458 * c.a - 0.0638541728 * c.b, 3);
  const double s = std::pow(c.L - 0.0894841775 * c.a - 1.2914855480 * c.b, 3);
  return {srgb_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          srgb_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          srgb_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

/// Indigo over teal and green to yellow. Chroma dips where sRGB is narrow (teal).
OkLab sequential_curve(double t) {
  const double away = t - 0.42;
  const double chroma = 0.083 + (away < 0 ? 0.11 : 0.25) * away * away;
  return from_lch(0.20 + 0.73 * t, chroma, 295 - 185 * t);
}

/// Blue, near-white, orange-brown.
OkLab diverging_curve(double t) {
  const double s = std::abs(2 * t - 1);
  const double chroma = 0.108 * (1 - (1 - s) * (1 - s));
  return from_lch(0.965 - 0.54 * s, chroma, t < 0.5 ? 255 : 52);
}

/// `curve` at 256 places of equal distance along it.
template <class Curve>
std::array<Rgb, 256> walk(Curve curve) {
  constexpr int kFine = 4096;
  std::vector<double> length(kFine + 1, 0.0);
  for (int i = 1; i <= kFine; ++i) {
    const OkLab p = curve((i - 1.0) / kFine), q = curve(static_cast<double>(i) / kFine);
    length[i] = length[i - 1] + std::hypot(p.L - q.L, p.a - q.a, p.b - q.b);
  }
  std::array<Rgb, 256> table;
  for (int k = 0; k < 256; ++k) {
    const double target = length.back() * k / 255;
    const auto at = std::lower_bound(length.begin(), length.end(), target) - length.begin();
    table[k] = to_rgb(curve(static_cast<double>(at) / kFine));
  }
  return table;
}

Tensor finite_values(const Tensor& values) {
  const Tensor flat = values.detach().to(torch::kCPU, torch::kFloat64).flatten();
  return flat.masked_select(flat.isfinite());
}

/// uint8 [H, W, C] -> Image.
Image from_bytes(const Tensor& bytes) {
  const Tensor whole = bytes.to(torch::kCPU).contiguous();
  Image image{.width = whole.size(1), .height = whole.size(0), .channels = whole.size(2), .pixels = {}};
  const uint8_t* data = whole.const_data_ptr<uint8_t>();
  image.pixels.assign(data, data + whole.numel());
  return image;
}

/// Channels-first levels in [0, 255] as an RGB picture.
Image from_levels(const Tensor& levels) {
  const Tensor whole = levels.nan_to_num(128.0).clamp(0, 255).round().to(torch::kUInt8);
  return from_bytes(whole.expand({3, levels.size(1), levels.size(2)}).permute({1, 2, 0}));
}

Tensor checked_picture(const char* where, const Tensor& picture) {
  if (picture.dim() != 3 || (picture.size(0) != 3 && picture.size(0) != 1)) {
    throw ShapeError(format_text("[{}] expected a picture [3 or 1, H, W], got {}; take one image of a batch", where,
                                 describe_tensor(picture)));
  }
  return picture.detach().to(torch::kCPU, torch::kFloat64);
}

}  // namespace

std::string hex_colour(Rgb color) { return format_text("#{:02x}{:02x}{:02x}", color.r, color.g, color.b); }

const std::array<Rgb, 256>& colour_table(ColourMap map) {
  static const std::array<Rgb, 256> sequential = walk(sequential_curve);
  static const std::array<Rgb, 256> diverging = walk(diverging_curve);
  return map == ColourMap::sequential ? sequential : diverging;
}

ValueRange value_range(const Tensor& values) {
  const Tensor finite = finite_values(values);
  if (finite.numel() == 0) return {0, 1};
  const double low = finite.min().item<double>(), high = finite.max().item<double>();
  if (high > low) return {low, high};
  const double half = low == 0 ? 0.5 : std::abs(low) / 2;
  return {low - half, high + half};
}

ValueRange symmetric_range(const Tensor& values, double share) {
  const Tensor magnitudes = std::get<0>(finite_values(values).abs().sort());
  if (magnitudes.numel() == 0) return {-1, 1};
  const auto at = static_cast<int64_t>(std::lround(share * (magnitudes.numel() - 1)));
  double m = magnitudes[at].item<double>();
  if (m == 0) m = magnitudes[-1].item<double>();
  if (m == 0) m = 1;
  return {-m, m};
}

Image colour_image(const Tensor& values, ColourMap map, ValueRange range) {
  check_shape("viz.colour_image", "values", values, {-1, -1});
  if (!(range.high > range.low)) {
    throw ValueError(
        format_text("[viz.colour_image] expected a range with low < high, got [{}, {}]", range.low, range.high));
  }
  const Tensor level = (values.detach().to(torch::kCPU, torch::kFloat64) - range.low) / (range.high - range.low);
  const Tensor whole = level.contiguous();
  const double* data = whole.const_data_ptr<double>();
  Image image{.width = values.size(1), .height = values.size(0), .channels = 3, .pixels = {}};
  image.pixels.reserve(3 * whole.numel());
  const std::array<Rgb, 256>& table = colour_table(map);
  for (int64_t i = 0; i < whole.numel(); ++i) {
    const Rgb color = std::isnan(data[i]) ? kNotANumberColour : table[std::lround(255 * std::clamp(data[i], 0.0, 1.0))];
    image.pixels.insert(image.pixels.end(), {color.r, color.g, color.b});
  }
  return image;
}

Image to_image(const Tensor& picture) { return from_levels((checked_picture("viz.to_image", picture) + 1) * 127.5); }

Image signed_image(const Tensor& values, double magnitude) {
  if (!(magnitude > 0)) {
    throw ValueError(format_text("[viz.signed_image] expected a magnitude > 0, got {}", magnitude));
  }
  return from_levels(checked_picture("viz.signed_image", values) * (127.5 / magnitude) + 127.5);
}

}  // namespace noisescope::viz
