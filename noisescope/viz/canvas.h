// A raster canvas for captioned pictures: rectangles, text, crisp magnified pixels, colour bars.
#pragma once

#include <string>
#include <string_view>

#include "noisescope/io/image.h"
#include "noisescope/viz/colormap.h"
#include "noisescope/viz/font.h"

namespace noisescope::viz {

/// The few colours that raster figures share: dark ink on white paper, so they print as they are.
struct Ink {
  static constexpr Rgb kPaper{0xff, 0xff, 0xff};
  static constexpr Rgb kText{0x1f, 0x26, 0x2e};
  static constexpr Rgb kMuted{0x5b, 0x66, 0x73};
  static constexpr Rgb kRule{0xd3, 0xd9, 0xe0};
  static constexpr Rgb kEmpty{0xf1, 0xf3, 0xf5};
  static constexpr Rgb kAccent{0x00, 0x72, 0xb2};
};

enum class Align { left, center, right };

/// How a line of text stands on its canvas.
struct TextPlace {
  Rgb color = Ink::kText;
  Align align = Align::left;
};

class Canvas {
 public:
  /// Throws ValueError for sides outside of 1 .. 32768 px.
  Canvas(int64_t width, int64_t height, Rgb background = Ink::kPaper);

  int64_t width() const { return image_.width; }
  int64_t height() const { return image_.height; }
  const Image& image() const& { return image_; }
  Image image() && { return std::move(image_); }

  // Everything is clipped to the canvas.

  void rect(int64_t x, int64_t y, int64_t width, int64_t height, Rgb color);
  /// A border of `thickness` px inside of the rectangle.
  void frame(int64_t x, int64_t y, int64_t width, int64_t height, int64_t thickness, Rgb color);
  /// Thin diagonal lines inside of the rectangle: "there is nothing to show here".
  void hatch(int64_t x, int64_t y, int64_t width, int64_t height, Rgb color);
  /// A filled circle, anti-aliased.
  void disc(double x, double y, double radius, Rgb color);
  /// One line of text whose box of line_height(style) starts at row `y`; `x` is its left end, middle
  /// or right end.
  void text(int64_t x, int64_t y, std::string_view utf8, const TextStyle& style, TextPlace place = {});
  /// Each pixel of `picture` (1, 3 or 4 channels; alpha over what is there) as scale x scale pixels.
  void picture(int64_t x, int64_t y, const Image& picture, int64_t scale = 1);

 private:
  void blend(int64_t x, int64_t y, Rgb color, double coverage);

  Image image_;
};

/// A horizontal colour bar of `width` px with its end values (and 0 for a symmetric range) and its unit below.
/// Height: colour_bar_height().
void draw_colour_bar(Canvas& canvas, int64_t x, int64_t y, int64_t width, const ColourBar& bar);
int64_t colour_bar_height();

}  // namespace noisescope::viz
