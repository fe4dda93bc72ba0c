// Text for raster pictures without system fonts: a stroke font of our own, drawn with anti-aliasing
// at any size and fitted to the pixel grid, so that stems stay crisp at 11 px. No torch here.
//
// Covered: ASCII, the Greek letters and signs that captions of this project use (sigma, epsilon,
// lambda, alpha, Delta, minus, times, plus-minus, middle dot, dashes, curly quotes, ellipsis, degree),
// subscript digits and t, and a combining hat (x-hat = "x" U+0302). Anything else is drawn as a box.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::viz {

struct TextStyle {
  double size_px = 13;  // em height; capitals are 0.7 of it. At least 7
  bool bold = false;
};

/// Coverage 0..255 of one line of text; row `baseline_px` is the first below the baseline.
struct TextMask {
  int64_t width = 0;
  int64_t height = 0;
  int64_t baseline_px = 0;
  std::vector<uint8_t> coverage;  // height * width
};

/// The line drawn. Line breaks and tabs count as spaces.
TextMask render_text(std::string_view utf8, const TextStyle& style);

/// Width of the line in pixels, as render_text advances.
int64_t text_width(std::string_view utf8, const TextStyle& style);

/// Height of a line of text with its leading, in pixels.
int64_t line_height(const TextStyle& style);

/// The text, or as much of it as fits into `max_width` with an ellipsis at the end.
std::string ellipsise(std::string_view utf8, const TextStyle& style, int64_t max_width);

/// At most `max_lines` lines no wider than `max_width`, broken at spaces (inside words where a word
/// alone is too wide); what does not fit ends in an ellipsis.
std::vector<std::string> wrap_text(std::string_view utf8, const TextStyle& style, int64_t max_width, int64_t max_lines);

}  // namespace noisescope::viz
