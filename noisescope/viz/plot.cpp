#include "noisescope/viz/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/viz/plot_frame.h"
#include "noisescope/viz/svg.h"

namespace noisescope::viz {
namespace {

constexpr size_t kColours = 6;  // classes s0 .. s5, f0 .. f5 of figure_style()
constexpr std::array<const char*, 6> kDashes = {"none", "8 4", "2 3", "10 3 2 3", "5 2", "1 4"};
// For programs that read no style sheets.
constexpr std::array<const char*, kColours> kFallback = {"#0072b2", "#d55e00", "#009e73",
                                                         "#b0568a", "#b87d00", "#333a42"};
constexpr double kPlotMargin = 16, kLegendLine = 20, kLegendSize = 12;
constexpr size_t kMarkedPoints = 24;

std::string css(const char* prefix, size_t index, const char* more = "") {
  return format_text("{}{}{}{}", prefix, index % kColours, *more ? " " : "", more);
}

[[noreturn]] void refuse(const std::string& expected, const std::string& got) {
  throw ValueError(format_text("[viz.render_svg] expected {}, got {}", expected, got));
}

void check_series(const Plot& plot) {
  for (const Series& s : plot.series) {
    const size_t count = plot.categories.empty() ? s.x.size() : plot.categories.size();
    const std::string name = "series '" + s.name + "'";
    if (s.y.size() != count) {
      refuse(format_text("{} with {} y values", name, count), format_text("{}", s.y.size()));
    }
    if (s.low.size() != s.high.size() || (!s.low.empty() && s.low.size() != count)) {
      refuse(name + " with bounds for each value or none",
             format_text("{} low and {} high", s.low.size(), s.high.size()));
    }
    if (plot.categories.empty() && !std::is_sorted(s.x.begin(), s.x.end())) {
      refuse(name + " ascending in x", "another order");
    }
  }
}

/// Smallest and largest of what was offered.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool log = false;

  void add(double value) {
    if (!std::isfinite(value)) return;
    if (log && value <= 0) refuse("positive values on a logarithmic axis", format_text("{}", value));
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void add(const std::vector<double>& values) {
    for (const double value : values) add(value);
  }
};

/// The extent with room around it, and the ends that the axis asks for.
Scale make_scale(Extent extent, const Axis& axis, double room) {
  if (!(extent.low <= extent.high)) refuse("at least one finite value", "none");
  if (axis.min) extent.low = std::min(*axis.min, extent.high);
  if (axis.max) extent.high = std::max(*axis.max, extent.low);
  if (axis.log && extent.low <= 0) refuse("a positive start of a logarithmic axis", format_text("{}", extent.low));
  if (extent.low == extent.high) {
    const double half = axis.log ? 0 : std::max(0.5, std::abs(extent.low) / 2);
    extent.low = axis.log ? extent.low / 3 : extent.low - half;
    extent.high = axis.log ? extent.high * 3 : extent.high + half;
  }
  const double span = axis.log ? std::log(extent.high / extent.low) : extent.high - extent.low;
  const auto widen = [&](double at, double by) { return axis.log ? at * std::exp(by) : at + by; };
  Scale scale{.low = extent.low, .high = extent.high, .log = axis.log};
  // Zero is where bars and shares start: no room below it.
  if (!axis.min && extent.low != 0) scale.low = widen(extent.low, -room * span);
  if (!axis.max) scale.high = widen(extent.high, room * span);
  return scale;
}

Scale x_scale(const Plot& plot) {
  Extent extent{.log = plot.x.log};
  for (const Series& s : plot.series) extent.add(s.x);
  for (const Rule& rule : plot.rules) {
    if (rule.vertical) extent.add(rule.at);
  }
  return make_scale(extent, plot.x, plot.x.log ? 0.02 : 0.0);
}

Scale y_scale(const Plot& plot) {
  Extent extent{.log = plot.y.log};
  for (const Series& s : plot.series) {
    extent.add(s.y);
    extent.add(s.low);
    extent.add(s.high);
  }
  for (const Rule& rule : plot.rules) {
    if (!rule.vertical) extent.add(rule.at);
  }
  if (!plot.categories.empty() && !plot.y.log) extent.add(0);
  return make_scale(extent, plot.y, 0.06);
}

// ---------------------------------------------------------------------------------------- marks

/// Marker `index` at a point: disc, square, triangle, diamond, downward triangle, ring.
void draw_marker(SvgWriter& svg, double x, double y, size_t index) {
  const double r = 3.6;
  const std::string style = css("f", index), fill = kFallback[index % kColours];
  const auto path = [&](const std::string& d) { svg.element("path", {{"class", style}, {"fill", fill}, {"d", d}}); };
  const auto at = [&](double dx, double dy) { return svg_number(x + dx) + " " + svg_number(y + dy); };
  switch (index % 6) {
    case 0:
      svg.element("circle", {{"class", style}, {"fill", fill}, {"cx", x}, {"cy", y}, {"r", r}});
      break;
    case 1:
      path("M" + at(-r, -r) + "L" + at(r, -r) + "L" + at(r, r) + "L" + at(-r, r) + "Z");
      break;
    case 2:
      path("M" + at(0, -r - 1) + "L" + at(r + 0.6, r) + "L" + at(-r - 0.6, r) + "Z");
      break;
    case 3:
      path("M" + at(0, -r - 1.2) + "L" + at(r + 1.2, 0) + "L" + at(0, r + 1.2) + "L" + at(-r - 1.2, 0) + "Z");
      break;
    case 4:
      path("M" + at(0, r + 1) + "L" + at(r + 0.6, -r) + "L" + at(-r - 0.6, -r) + "Z");
      break;
    default:
      svg.element("circle", {{"class", css("s", index, "bg")},
                             {"stroke", fill},
                             {"stroke-width", 1.8},
                             {"fill", "#fff"},
                             {"cx", x},
                             {"cy", y},
                             {"r", r}});
  }
}

/// The finite stretches of a series as path data.
std::string line_path(const Series& s, const Scale& x, const Scale& y) {
  std::string d;
  bool drawing = false;
  for (size_t i = 0; i < s.y.size(); ++i) {
    if (!std::isfinite(s.y[i]) || !std::isfinite(s.x[i])) {
      drawing = false;
      continue;
    }
    d += (drawing ? "L" : "M") + svg_number(x(s.x[i])) + " " + svg_number(y(s.y[i]));
    drawing = true;
  }
  return d;
}

/// The confidence band: one closed outline for each stretch without gaps.
std::string band_path(const Series& s, const Scale& x, const Scale& y) {
  std::string d;
  const auto known = [&](size_t i) {
    return std::isfinite(s.x[i]) && std::isfinite(s.low[i]) && std::isfinite(s.high[i]);
  };
  for (size_t i = 0; i < s.low.size();) {
    size_t end = i;
    while (end < s.low.size() && known(end)) ++end;
    for (size_t k = i; k < end; ++k) {
      d += (k == i ? "M" : "L") + svg_number(x(s.x[k])) + " " + svg_number(y(s.high[k]));
    }
    for (size_t k = end; k > i; --k) d += "L" + svg_number(x(s.x[k - 1])) + " " + svg_number(y(s.low[k - 1]));
    if (end > i) d += "Z";
    i = end + 1;
  }
  return d;
}

bool has_markers(const Plot& plot, const Series& s) {
  return s.markers || !s.line || (plot.series.size() > 1 && s.y.size() <= kMarkedPoints);
}

void draw_line_series(SvgWriter& svg, const Plot& plot, const Scale& x, const Scale& y) {
  for (size_t k = 0; k < plot.series.size(); ++k) {
    if (plot.series[k].low.empty()) continue;
    svg.element("path", {{"class", css("f", k, "band")},
                         {"fill", kFallback[k % kColours]},
                         {"fill-opacity", 0.18},
                         {"d", band_path(plot.series[k], x, y)}});
  }
  for (size_t k = 0; k < plot.series.size(); ++k) {
    const Series& s = plot.series[k];
    if (s.line) {
      svg.element("path", {{"class", css("s", k, "curve")},
                           {"stroke", kFallback[k % kColours]},
                           {"fill", "none"},
                           {"stroke-width", 2.0},
                           {"stroke-dasharray", kDashes[k % kDashes.size()]},
                           {"d", line_path(s, x, y)}});
    }
    for (size_t i = 0; has_markers(plot, s) && i < s.y.size(); ++i) {
      if (std::isfinite(s.x[i]) && std::isfinite(s.y[i])) draw_marker(svg, x(s.x[i]), y(s.y[i]), k);
    }
  }
}

// ----------------------------------------------------------------------------------------- bars

/// The filling of bar series `index` besides its colour: solid, diagonal, outline, level lines.
void fill_bar(SvgWriter& svg, double x, double y, double width, double height, size_t index) {
  const std::string color = kFallback[index % kColours];
  svg.element("rect", {{"class", css("f", index)},
                       {"fill", color},
                       {"x", x},
                       {"y", y},
                       {"width", width},
                       {"height", height},
                       {"rx", 1.5},
                       {"fill-opacity", index % 4 == 0 ? 0.85 : 0.22}});
  if (index % 4 == 0) return;
  svg.element("rect", {{"class", css("s", index)},
                       {"stroke", color},
                       {"fill", "none"},
                       {"x", x + 0.6},
                       {"y", y + 0.6},
                       {"width", std::max(0.0, width - 1.2)},
                       {"height", std::max(0.0, height - 1.2)},
                       {"rx", 1.5},
                       {"stroke-width", 1.2}});
  std::string d;
  const auto stroke = [&](double x0, double y0, double x1, double y1) {
    d += "M" + svg_number(x0) + " " + svg_number(y0) + "L" + svg_number(x1) + " " + svg_number(y1);
  };
  if (index % 4 == 1) {
    for (double c = 6; c < width + height; c += 6) {  // x + y = c, cut to the bar
      const double x0 = std::min(c, width), x1 = std::max(0.0, c - height);
      stroke(x + x0, y + c - x0, x + x1, y + c - x1);
    }
  } else if (index % 4 == 3) {
    for (double c = 5; c < height; c += 5) stroke(x, y + c, x + width, y + c);
  }
  if (!d.empty()) {
    svg.element("path", {{"class", css("s", index)}, {"stroke", color}, {"stroke-width", 1.1}, {"d", d}});
  }
}

void draw_whisker(SvgWriter& svg, double x, double low, double high) {
  const auto n = svg_number;
  svg.element("path",
              {{"class", "whisker"},
               {"stroke", "currentColor"},
               {"stroke-width", 1.4},
               {"d", "M" + n(x) + " " + n(low) + "L" + n(x) + " " + n(high) + "M" + n(x - 4) + " " + n(low) + "L" +
                         n(x + 4) + " " + n(low) + "M" + n(x - 4) + " " + n(high) + "L" + n(x + 4) + " " + n(high)}});
}

void draw_bars(SvgWriter& svg, const Plot& plot, const PlotArea& area, const Scale& y) {
  const auto groups = static_cast<double>(plot.categories.size());
  const double slot = area.width() / groups;
  const auto bars = static_cast<double>(std::max<size_t>(1, plot.series.size()));
  const double width = std::min(56.0, 0.72 * slot / bars);
  const auto inside = [&](double value) { return y(std::clamp(value, y.low, y.high)); };
  const double base = inside(y.log ? y.low : 0.0);
  for (size_t g = 0; g < plot.categories.size(); ++g) {
    const double middle = area.left + slot * (static_cast<double>(g) + 0.5);
    for (size_t k = 0; k < plot.series.size(); ++k) {
      const Series& s = plot.series[k];
      if (!std::isfinite(s.y[g])) continue;
      const double left = middle + width * (static_cast<double>(k) - bars / 2) + 1, top = inside(s.y[g]);
      fill_bar(svg, left, std::min(top, base), width - 2, std::abs(base - top), k);
      if (s.low.empty() || !std::isfinite(s.low[g]) || !std::isfinite(s.high[g])) continue;
      draw_whisker(svg, left + width / 2 - 1, inside(s.low[g]), inside(s.high[g]));
    }
    svg.text(middle, area.bottom + 19, plot.categories[g], "tick", "middle");
  }
  svg.line(area.left, base, area.right, base, "axis");
  svg.text((area.left + area.right) / 2, area.bottom + 40, axis_title(plot.x.label, plot.x.unit), "label", "middle");
}

// --------------------------------------------------------------------------------------- legend

double legend_item_width(const std::string& name) { return 34 + estimated_text_width(name, kLegendSize) + 20; }

/// Draws (or with svg = nullptr only measures) the legend; returns its height.
double draw_legend(SvgWriter* svg, const Plot& plot, double left, double top, double width) {
  double x = left, y = top, height = 0;
  for (size_t k = 0; k < plot.series.size(); ++k) {
    const Series& s = plot.series[k];
    if (s.name.empty()) continue;
    const double needed = legend_item_width(s.name);
    if (x > left && x + needed > left + width) x = left, y += kLegendLine;
    height = y - top + kLegendLine;
    if (svg != nullptr) {
      if (!plot.categories.empty()) {
        fill_bar(*svg, x, y + 1, 26, 12, k);
      } else {
        if (s.line) {
          svg->element("path", {{"class", css("s", k, "curve")},
                                {"stroke", kFallback[k % kColours]},
                                {"stroke-width", 2.0},
                                {"stroke-dasharray", kDashes[k % kDashes.size()]},
                                {"d", "M" + svg_number(x) + " " + svg_number(y + 7) + "h26"}});
        }
        if (has_markers(plot, s)) draw_marker(*svg, x + 13, y + 7, k);
      }
      svg->text(x + 33, y + 11.5, s.name, "legend");
    }
    x += needed;
  }
  return height == 0 ? 0 : height + 6;
}

// ---------------------------------------------------------------------------------- annotations

/// Whether a place is in the data area; what is no number is not.
bool is_inside(double px, double low, double high) { return px >= low - 0.5 && px <= high + 0.5; }

void draw_windows(SvgWriter& svg, const Plot& plot, const PlotArea& area, const Scale& x) {
  for (const Window& window : plot.windows) {
    const double from = std::clamp(x(window.from), area.left, area.right);
    const double to = std::clamp(x(window.to), area.left, area.right);
    if (std::isnan(from + to)) continue;
    svg.element("rect", {{"class", "window"},
                         {"fill", "#8a94a0"},
                         {"fill-opacity", 0.13},
                         {"x", std::min(from, to)},
                         {"y", area.top},
                         {"width", std::abs(to - from)},
                         {"height", area.height()}});
  }
}

/// After the curves, so that they do not cross the words.
void label_windows(SvgWriter& svg, const Plot& plot, const PlotArea& area, const Scale& x) {
  for (const Window& window : plot.windows) {
    const double from = std::clamp(x(window.from), area.left, area.right);
    const double to = std::clamp(x(window.to), area.left, area.right);
    if (std::isnan(from + to)) continue;
    svg.text((from + to) / 2, area.top + 15, window.label, "note halo", "middle");
  }
}

void draw_rules(SvgWriter& svg, const Plot& plot, const PlotArea& area, const Scale& x, const Scale& y) {
  for (const Rule& rule : plot.rules) {
    if (rule.vertical) {
      const double at = x(rule.at);
      if (!is_inside(at, area.left, area.right)) continue;
      const bool right_half = at > (area.left + area.right) / 2;
      svg.line(at, area.top, at, area.bottom, "rule");
      svg.text(at + (right_half ? -5 : 5), area.bottom - 8, rule.label, "note halo", right_half ? "end" : "start");
    } else {
      const double at = y(rule.at);
      if (!is_inside(at, area.top, area.bottom)) continue;
      svg.line(area.left, at, area.right, at, "rule");
      const bool above = at > area.top + 18;
      svg.text(area.right - 4, at + (above ? -5 : 14), rule.label, "note halo", "end");
    }
  }
}

void draw_annotations(SvgWriter& svg, const Plot& plot, const PlotArea& area, const Scale& x, const Scale& y) {
  for (const Annotation& note : plot.annotations) {
    const double at = x(note.x);
    if (!is_inside(at, area.left, area.right)) continue;
    if (!is_inside(y(note.y), area.top, area.bottom)) continue;
    const bool flip = at + 10 + estimated_text_width(note.text, 11.5) > area.right;
    svg.element("circle", {{"class", "rule"},
                           {"fill", "none"},
                           {"stroke", "#5b6673"},
                           {"cx", at},
                           {"cy", y(note.y)},
                           {"r", 5.0},
                           {"stroke-dasharray", "none"}});
    svg.text(at + (flip ? -10 : 10), y(note.y) - 6, note.text, "note halo", flip ? "end" : "start");
  }
}

/// The data area: what title, legend, axes and their titles leave.
PlotArea lay_out(const Plot& plot, Scale& y) {
  PlotArea area;
  const double inner = plot.width_px - 2 * kPlotMargin;
  area.top = kPlotMargin + title_height(inner, plot.title) + draw_legend(nullptr, plot, 0, 0, inner) +
             (plot.second_x ? 48 : 6);
  area.bottom = plot.height_px - (plot.x.label.empty() && plot.categories.empty() ? 34 : 54);
  area.right = plot.width_px - kPlotMargin - 6;
  if (area.height() < 60) refuse("a plot at least 60 px higher than its texts", format_text("{}", plot.height_px));
  y.from_px = area.bottom, y.to_px = area.top;
  area.left = std::max(kPlotMargin + 30, y_axis_width(y, plot.y) + 6);
  return area;
}

}  // namespace

std::string render_svg(const Plot& plot) {
  check_series(plot);
  Scale y = y_scale(plot);
  const PlotArea area = lay_out(plot, y);
  Scale x;
  if (plot.categories.empty()) x = x_scale(plot);
  x.from_px = area.left, x.to_px = area.right;

  SvgWriter svg(plot.width_px, plot.height_px, plot.title, plot.description);
  const double inner = plot.width_px - 2 * kPlotMargin;
  const double below_title = draw_title(svg, kPlotMargin, kPlotMargin - 2, inner, plot.title);
  draw_legend(&svg, plot, kPlotMargin, below_title + 2, inner);
  if (plot.categories.empty()) draw_windows(svg, plot, area, x);
  draw_y_axis(svg, area, y, plot.y);
  // A nested viewport cuts curves off at the frame without needing an identifier.
  svg.open("svg", {{"x", area.left - 5},
                   {"y", area.top - 5},
                   {"width", area.width() + 10},
                   {"height", area.height() + 10},
                   {"viewBox", svg_number(area.left - 5) + " " + svg_number(area.top - 5) + " " +
                                   svg_number(area.width() + 10) + " " + svg_number(area.height() + 10)}});
  if (plot.categories.empty()) draw_line_series(svg, plot, x, y);
  svg.close();
  if (plot.categories.empty()) {
    draw_x_axis(svg, area, x, plot.x);
    if (plot.second_x) draw_second_x_axis(svg, area, x, *plot.second_x);
  } else {
    draw_bars(svg, plot, area, y);
  }
  draw_rules(svg, plot, area, x, y);
  if (plot.categories.empty()) label_windows(svg, plot, area, x);
  draw_annotations(svg, plot, area, x, y);
  return svg.finish();
}

}  // namespace noisescope::viz
