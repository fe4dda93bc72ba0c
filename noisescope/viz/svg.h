// Writing SVG: elements with escaped attributes, and the look that all figures share. No torch here.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "noisescope/viz/text.h"

namespace noisescope::viz {

/// An attribute value: text as it is, or a number with two decimals.
using SvgValue = std::variant<std::string, double>;
using SvgAttributes = std::initializer_list<std::pair<const char*, SvgValue>>;

/// The end of a text that stands at its point, and how far it is turned around it.
struct SvgAnchor {
  SvgAnchor(const char* anchor, double degrees = 0) : name(anchor), rotate_degrees(degrees) {}
  const char* name;
  double rotate_degrees;
};

/// Builds one SVG document. Attributes and text are escaped; elements close in order.
class SvgWriter {
 public:
  /// Opens <svg> of this size with <title> and <desc> for screen readers, the shared style and a
  /// background that follows light and dark.
  SvgWriter(double width, double height, std::string_view title, std::string_view description);

  SvgWriter& open(const char* name, SvgAttributes attributes = {});
  SvgWriter& close();
  SvgWriter& element(const char* name, SvgAttributes attributes);
  /// <text>; `css_class` is one of those of figure_style().
  SvgWriter& text(double x, double y, std::string_view content, const char* css_class, SvgAnchor anchor = "start");
  SvgWriter& line(double x1, double y1, double x2, double y2, const char* css_class);

  /// Closes everything and returns the document.
  std::string finish();

 private:
  void start_tag(const char* name, SvgAttributes attributes);

  std::string out_;
  std::vector<std::string> open_;
};

/// A coordinate with at most two decimals.
std::string svg_number(double value);

/// Width of a text of `size_px` in an ordinary sans-serif face, a little on the wide side.
double estimated_text_width(std::string_view utf8, double size_px);

/// The style sheet inside of every figure: classes ns-*, light by default, dark where the viewer asks
/// for it, never in print.
const std::string& figure_style();

/// The document for use inside of an HTML page: without namespace (HTML implies it) and without the
/// style sheet (the page has it once). Throws ValueError for text that is no <svg> document of
/// SvgWriter or that holds scripts, foreign objects or references to the network.
std::string inline_svg(const std::string& document);

}  // namespace noisescope::viz
