#include "noisescope/viz/plot_frame.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::viz {
namespace {

constexpr double kTickSize = 11.5, kTitleSize = 15, kTitleLine = 20;

int ticks_for(double length_px, double spacing_px) { return std::max(2, static_cast<int>(length_px / spacing_px)); }

/// The title in lines that fit the width.
std::vector<std::string> title_lines(double width, std::string_view title) {
  std::vector<std::string> lines;
  std::string line, word;
  const auto flush_word = [&] {
    if (word.empty()) return;
    const std::string longer = line.empty() ? word : line + " " + word;
    if (!line.empty() && estimated_text_width(longer, kTitleSize) > width) {
      lines.push_back(line);
      line = word;
    } else {
      line = longer;
    }
    word.clear();
  };
  for (const char c : title) {
    if (c == ' ' || c == '\n') {
      flush_word();
    } else {
      word += c;
    }
  }
  flush_word();
  if (!line.empty()) lines.push_back(line);
  return lines;
}

/// x where the mapping takes `value`.
double invert(const std::vector<std::pair<double, double>>& mapping, double value) {
  const bool ascending = mapping.back().second > mapping.front().second;
  for (size_t i = 1; i < mapping.size(); ++i) {
    const auto& [x0, v0] = mapping[i - 1];
    const auto& [x1, v1] = mapping[i];
    if (ascending ? value <= v1 : value >= v1) return x0 + (x1 - x0) * (value - v0) / (v1 - v0);
  }
  return mapping.back().first;
}

double value_at(const std::vector<std::pair<double, double>>& mapping, double x) {
  for (size_t i = 1; i < mapping.size(); ++i) {
    const auto& [x0, v0] = mapping[i - 1];
    const auto& [x1, v1] = mapping[i];
    if (x <= x1 || i + 1 == mapping.size()) {
      return v0 + (v1 - v0) * std::clamp((x - x0) / (x1 - x0), 0.0, 1.0);
    }
  }
  return mapping.front().second;
}

void check_monotone(const std::vector<std::pair<double, double>>& mapping) {
  bool good = mapping.size() >= 2;
  for (size_t i = 1; good && i < mapping.size(); ++i) {
    const double dv = mapping[i].second - mapping[i - 1].second;
    const double whole = mapping.back().second - mapping.front().second;
    good = mapping[i].first > mapping[i - 1].first && dv * whole > 0;
  }
  if (good) return;
  throw ValueError(
      format_text("[viz.render_svg] expected a second axis of at least two pairs, "
                  "ascending in x and strictly monotone in value, got {} pairs",
                  mapping.size()));
}

}  // namespace

double Scale::operator()(double value) const {
  const double share = log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from_px + share * (to_px - from_px);
}

std::string axis_title(const std::string& label, const std::string& unit) {
  return unit.empty() ? label : label + " (" + unit + ")";
}

std::vector<Tick> scale_ticks(const Scale& scale, int wanted) {
  return scale.log ? log_ticks(scale.low, scale.high, wanted) : linear_ticks(scale.low, scale.high, wanted);
}

double y_axis_width(const Scale& y, const Axis& axis) {
  double widest = 0;
  for (const Tick& tick : scale_ticks(y, ticks_for(std::abs(y.to_px - y.from_px), 52))) {
    widest = std::max(widest, estimated_text_width(tick.label, kTickSize));
  }
  return widest + 14 + (axis.label.empty() ? 0 : 28);
}

void draw_y_axis(SvgWriter& svg, const PlotArea& area, const Scale& y, const Axis& axis) {
  for (const Tick& tick : scale_ticks(y, ticks_for(area.height(), 52))) {
    const double at = y(tick.value);
    if (tick.label.empty()) {
      svg.line(area.left - 3, at, area.left, at, "axis");
      continue;
    }
    svg.line(area.left, at, area.right, at, "grid");
    svg.text(area.left - 8, at + 4, tick.label, "tick", "end");
  }
  if (!axis.label.empty()) {
    svg.text(20, (area.top + area.bottom) / 2, axis_title(axis.label, axis.unit), "label", {"middle", -90});
  }
}

void draw_x_axis(SvgWriter& svg, const PlotArea& area, const Scale& x, const Axis& axis) {
  svg.line(area.left, area.bottom, area.right, area.bottom, "axis");
  for (const Tick& tick : scale_ticks(x, ticks_for(area.width(), 84))) {
    const double at = x(tick.value);
    svg.line(at, area.bottom, at, area.bottom + (tick.label.empty() ? 3 : 5), "axis");
    if (!tick.label.empty()) svg.text(at, area.bottom + 19, tick.label, "tick", "middle");
  }
  svg.text((area.left + area.right) / 2, area.bottom + 40, axis_title(axis.label, axis.unit), "label", "middle");
}

void draw_second_x_axis(SvgWriter& svg, const PlotArea& area, const Scale& x, const SecondAxis& axis) {
  check_monotone(axis.mapping);
  svg.line(area.left, area.top, area.right, area.top, "axis");
  const double first = value_at(axis.mapping, x.low), last = value_at(axis.mapping, x.high);
  std::vector<std::pair<double, double>> taken;
  for (const Tick& tick : linear_ticks(std::min(first, last), std::max(first, last), ticks_for(area.width(), 60))) {
    const double at = x(invert(axis.mapping, tick.value));
    if (at < area.left - 0.5 || at > area.right + 0.5) continue;
    svg.line(at, area.top - 5, at, area.top, "axis");
    const double half = estimated_text_width(tick.label, kTickSize) / 2 + 4;
    const bool free = std::none_of(taken.begin(), taken.end(), [&](const auto& other) {
      return at + half > other.first && at - half < other.second;
    });
    if (!free) continue;
    taken.emplace_back(at - half, at + half);
    svg.text(at, area.top - 10, tick.label, "tick", "middle");
  }
  svg.text((area.left + area.right) / 2, area.top - 29, axis_title(axis.label, axis.unit), "label", "middle");
}

double title_height(double width, std::string_view title) {
  const auto lines = title_lines(width, title);
  return lines.empty() ? 0 : kTitleLine * static_cast<double>(lines.size()) + 6;
}

double draw_title(SvgWriter& svg, double left, double top, double width, std::string_view title) {
  double y = top + kTitleSize;
  for (const std::string& line : title_lines(width, title)) {
    svg.text(left, y, line, "title");
    y += kTitleLine;
  }
  return top + title_height(width, title);
}

}  // namespace noisescope::viz
