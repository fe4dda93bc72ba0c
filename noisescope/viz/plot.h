// Figures as data, and their SVG: crisp, readable in print and by the colour-blind (lines differ by
// dash and marker too), drawn in currentColor so that they follow a light or dark page.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace noisescope {

/// One line. `low` and `high` are the ends of an interval at every point, or empty.
struct Series {
  std::string label;
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> low = {};
  std::vector<double> high = {};
  bool markers = true;
};

struct Axis {
  std::string label;  // with its unit: "log-SNR (nats)"
  bool log = false;
  // Both NaN: from the data.
  double min = std::numeric_limits<double>::quiet_NaN();
  double max = std::numeric_limits<double>::quiet_NaN();
};

/// A marked range of x, such as a critical window.
struct Window {
  double begin = 0;
  double end = 0;
  std::string label;
};

struct Plot {
  std::string title;
  std::string description;  // for those who do not see it
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::vector<Window> windows = {};
  // A second scale along the top: positions in x and what stands there.
  std::string top_label = {};
  std::vector<std::pair<double, std::string>> top_ticks = {};
  double width = 640;
  double height = 380;
};

/// A complete <svg> element. Throws ValueError for series whose lengths differ or without points, and
/// for values that a logarithmic axis cannot show.
std::string to_svg(const Plot& plot);

/// About `count` round numbers that cover [min, max]; powers of ten (with 2 and 5 where there are
/// few) on a logarithmic axis.
std::vector<double> nice_ticks(double min, double max, int count, bool log);

/// &, <, > and quotes as entities: everything that came from outside passes through this.
std::string escape_markup(const std::string& text);

}  // namespace noisescope
