#include "noisescope/viz/canvas.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/viz/text.h"

namespace noisescope::viz {
namespace {

constexpr TextStyle kBarText{.size_px = 12};
constexpr int64_t kBarHeight = 10;

}  // namespace

Canvas::Canvas(int64_t width, int64_t height, Rgb background) {
  constexpr int64_t kMaxSide = 32768;
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) {
    throw ValueError(
        format_text("[viz.Canvas] expected sides of 1 .. 32768 px, got {} x {}; "
                    "show fewer or smaller pictures",
                    width, height));
  }
  image_.width = width;
  image_.height = height;
  image_.channels = 3;
  image_.pixels.resize(width * height * 3);
  rect(0, 0, width, height, background);
}

void Canvas::rect(int64_t x, int64_t y, int64_t width, int64_t height, Rgb color) {
  const int64_t x1 = std::min(x + width, image_.width), y1 = std::min(y + height, image_.height);
  for (int64_t row = std::max<int64_t>(0, y); row < y1; ++row) {
    for (int64_t column = std::max<int64_t>(0, x); column < x1; ++column) {
      uint8_t* pixel = image_.at(row, column);
      pixel[0] = color.r, pixel[1] = color.g, pixel[2] = color.b;
    }
  }
}

void Canvas::frame(int64_t x, int64_t y, int64_t width, int64_t height, int64_t thickness, Rgb color) {
  rect(x, y, width, thickness, color);
  rect(x, y + height - thickness, width, thickness, color);
  rect(x, y, thickness, height, color);
  rect(x + width - thickness, y, thickness, height, color);
}

void Canvas::hatch(int64_t x, int64_t y, int64_t width, int64_t height, Rgb color) {
  constexpr int64_t kSpacing = 8;
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t column = 0; column < width; ++column) {
      if ((row + column) % kSpacing == 0) blend(x + column, y + row, color, 1);
    }
  }
}

void Canvas::disc(double x, double y, double radius, Rgb color) {
  const auto reach = static_cast<int64_t>(std::ceil(radius + 1));
  const auto cx = static_cast<int64_t>(std::floor(x)), cy = static_cast<int64_t>(std::floor(y));
  for (int64_t row = cy - reach; row <= cy + reach; ++row) {
    for (int64_t column = cx - reach; column <= cx + reach; ++column) {
      const double d = std::hypot(column + 0.5 - x, row + 0.5 - y);
      blend(column, row, color, std::clamp(radius + 0.5 - d, 0.0, 1.0));
    }
  }
}

void Canvas::text(int64_t x, int64_t y, std::string_view utf8, const TextStyle& style, TextPlace place) {
  const TextMask mask = render_text(utf8, style);
  const int64_t width = text_width(utf8, style);
  if (place.align == Align::center) x -= width / 2;
  if (place.align == Align::right) x -= width;
  y += (line_height(style) - mask.height) / 2;
  for (int64_t row = 0; row < mask.height; ++row) {
    for (int64_t column = 0; column < mask.width; ++column) {
      blend(x + column, y + row, place.color, mask.coverage[row * mask.width + column] / 255.0);
    }
  }
}

void Canvas::picture(int64_t x, int64_t y, const Image& picture, int64_t scale) {
  for (int64_t row = 0; row < picture.height; ++row) {
    for (int64_t column = 0; column < picture.width; ++column) {
      const uint8_t* p = picture.at(row, column);
      const Rgb color = picture.channels == 1 ? Rgb{p[0], p[0], p[0]} : Rgb{p[0], p[1], p[2]};
      if (picture.channels < 4 || p[3] == 255) {
        rect(x + column * scale, y + row * scale, scale, scale, color);
        continue;
      }
      for (int64_t i = 0; i < scale * scale; ++i) {
        blend(x + column * scale + i % scale, y + row * scale + i / scale, color, p[3] / 255.0);
      }
    }
  }
}

void Canvas::blend(int64_t x, int64_t y, Rgb color, double coverage) {
  if (x < 0 || y < 0 || x >= image_.width || y >= image_.height || coverage <= 0) return;
  uint8_t* pixel = image_.at(y, x);
  const uint8_t source[3] = {color.r, color.g, color.b};
  for (int c = 0; c < 3; ++c) {
    pixel[c] = static_cast<uint8_t>(std::lround(pixel[c] + coverage * (source[c] - pixel[c])));
  }
}

int64_t colour_bar_height() { return kBarHeight + 4 + 2 * line_height(kBarText); }

void draw_colour_bar(Canvas& canvas, int64_t x, int64_t y, int64_t width, const ColourBar& bar) {
  const ValueRange range = bar.range;
  const std::array<Rgb, 256>& table = colour_table(bar.map);
  for (int64_t i = 0; i < width; ++i) {
    canvas.rect(x + i, y, 1, kBarHeight, table[255 * i / std::max<int64_t>(1, width - 1)]);
  }
  canvas.frame(x, y, width, kBarHeight, 1, Ink::kMuted);
  const int64_t numbers = y + kBarHeight + 3;
  canvas.text(x, numbers, format_number(range.low), kBarText, {Ink::kText, Align::left});
  canvas.text(x + width, numbers, format_number(range.high), kBarText, {Ink::kText, Align::right});
  if (range.low == -range.high) canvas.text(x + width / 2, numbers, "0", kBarText, {Ink::kText, Align::center});
  canvas.text(x + width / 2, numbers + line_height(kBarText), bar.unit, kBarText, {Ink::kMuted, Align::center});
}

}  // namespace noisescope::viz
