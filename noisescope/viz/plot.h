// Figures as data, and their SVG. A figure says what is shown: axes with units, series with their
// uncertainty, windows and reference values; the renderer decides how it looks. Series differ in
// colour, dash and marker, so that print and colour-blind readers lose nothing. No torch here.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "noisescope/viz/ticks.h"

namespace noisescope::viz {

struct Axis {
  std::string label;
  std::string unit = {};  // shown in parentheses; empty: a pure number
  bool log = false;
  std::optional<double> min = {};  // default: from the data, with a margin
  std::optional<double> max = {};
};

/// A second reading of the x-axis, above the plot: log-SNR below and timestep t above, say.
struct SecondAxis {
  std::string label;
  std::string unit;
  /// (x, value) pairs, ascending in x and strictly monotone in value; linear between.
  std::vector<std::pair<double, double>> mapping;
};

/// y over x, ascending in x. NaN leaves a gap. `low` and `high` (both empty, or as long as y) are a
/// confidence band, or whiskers in bar plots.
struct Series {
  std::string name;  // empty: not in the legend
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> low = {};
  std::vector<double> high = {};
  bool line = true;
  bool markers = false;  // lines of up to 24 points get them anyway where there are several series
};

/// A marked stretch of the x-axis, e.g. the guidance interval.
struct Window {
  double from = 0;
  double to = 0;
  std::string label;
};

/// A reference value drawn across the plot: a floor, a half-point, chance. It widens the axis, and
/// is left out where it lies beyond an end that the axis asks for; so are annotations.
struct Rule {
  bool vertical = false;
  double at = 0;
  std::string label;
};

struct Annotation {
  double x = 0;
  double y = 0;
  std::string text;
};

/// A line plot; with `categories` a bar plot, whose series hold one y for each category (x unused).
struct Plot {
  std::string title;
  std::string description;  // what the figure shows, in a sentence or two: its alternative text
  Axis x = {};
  Axis y = {};
  std::optional<SecondAxis> second_x = {};
  std::vector<std::string> categories = {};
  std::vector<Series> series = {};
  std::vector<Window> windows = {};
  std::vector<Rule> rules = {};
  std::vector<Annotation> annotations = {};
  int width_px = 720;
  int height_px = 380;
};

/// A self-contained SVG document: title and description for screen readers, text as text, follows
/// light and dark, no references to anywhere.
/// Throws ValueError for series of unequal lengths, values not positive on a log axis, no finite value
/// at all, or a second axis that is not monotone.
std::string render_svg(const Plot& plot);

}  // namespace noisescope::viz
