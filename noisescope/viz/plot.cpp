#include "noisescope/viz/plot.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "noisescope/core/error.h"
#include "noisescope/viz/colormap.h"

namespace noisescope {
namespace {

constexpr double kLeft = 64, kRight = 18, kBottom = 52;
constexpr std::array<const char*, 5> kDashes = {"", "7 4", "2 3", "9 3 2 3", "4 2"};
// Okabe-Ito without black and yellow, which vanish on one of the two pages.
constexpr std::array<size_t, 6> kLineColors = {5, 6, 3, 1, 7, 2};

std::string format(const char* pattern, auto... values) {
  char text[512];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string tick_text(double value) {
  if (std::abs(value) < 1e-12) return "0";
  return format("%g", std::round(value * 1e9) / 1e9);
}

/// The mapping from data to pixels of one plot.
class Frame {
 public:
  explicit Frame(const Plot& plot)
      : plot_(plot), top_(plot.top_ticks.empty() ? 40 : 66), legend_(legend_lines(plot)) {
    x_ = range(plot.x, true);
    y_ = range(plot.y, false);
  }

  double left() const { return kLeft; }
  double right() const { return plot_.width - kRight; }
  double top() const { return top_; }
  double bottom() const { return plot_.height - kBottom; }
  double height() const { return plot_.height + 20.0 * legend_; }
  ValueRange x_range() const { return x_; }
  ValueRange y_range() const { return y_; }

  double px(double x) const { return place(x, x_, plot_.x.log, left(), right()); }
  double py(double y) const { return place(y, y_, plot_.y.log, bottom(), top()); }

  static int legend_lines(const Plot& plot) {
    return plot.series.size() > 1 ? static_cast<int>((plot.series.size() + 2) / 3) : 0;
  }

 private:
  static double place(double v, ValueRange r, bool log, double low, double high) {
    const double share = log ? std::log(v / r.low) / std::log(r.high / r.low)
                             : (v - r.low) / (r.high - r.low);
    return low + std::clamp(share, -0.02, 1.02) * (high - low);
  }

  ValueRange range(const Axis& axis, bool along_x) const {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Series& s : plot_.series) {
      for (const auto* values : {along_x ? &s.x : &s.y, along_x ? &s.x : &s.low,
                                 along_x ? &s.x : &s.high}) {
        for (const double v : *values) {
          if (!std::isfinite(v)) continue;
          if (axis.log && v <= 0) {
            throw ValueError("[viz.to_svg] expected values above 0 on the logarithmic axis '" +
                             axis.label + "', got " + tick_text(v));
          }
          low = std::min(low, v);
          high = std::max(high, v);
        }
      }
    }
    if (!along_x && !axis.log) {
      const double pad = 0.05 * std::max(high - low, 1e-9);
      low = low >= 0 && low - pad < 0 ? 0 : low - pad;
      high += pad;
    }
    if (std::isfinite(axis.min)) low = axis.min;
    if (std::isfinite(axis.max)) high = axis.max;
    if (high <= low) high = axis.log ? low * 10 : low + 1;
    return {low, high};
  }

  const Plot& plot_;
  double top_;
  int legend_;
  ValueRange x_, y_;
};

std::string text_at(double x, double y, const std::string& text, const char* anchor,
                    const std::string& more = "") {
  return format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" ", x, y, anchor) + more + ">" +
         escape_markup(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* more) {
  return format("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, more);
}

std::string axes(const Plot& plot, const Frame& f) {
  std::string out;
  for (const double v : nice_ticks(f.x_range().low, f.x_range().high, 7, plot.x.log)) {
    out += line(f.px(v), f.bottom(), f.px(v), f.bottom() + 5, "stroke=\"currentColor\"");
    out += text_at(f.px(v), f.bottom() + 19, tick_text(v), "middle");
  }
  for (const double v : nice_ticks(f.y_range().low, f.y_range().high, 5, plot.y.log)) {
    out += line(f.left(), f.py(v), f.right(), f.py(v), "stroke=\"currentColor\" opacity=\"0.15\"");
    out += text_at(f.left() - 8, f.py(v) + 4, tick_text(v), "end");
  }
  for (const auto& [x, label] : plot.top_ticks) {
    if (x < f.x_range().low || x > f.x_range().high) continue;
    out += line(f.px(x), f.top(), f.px(x), f.top() - 5, "stroke=\"currentColor\"");
    out += text_at(f.px(x), f.top() - 9, label, "middle");
  }
  const double mid_x = (f.left() + f.right()) / 2, mid_y = (f.top() + f.bottom()) / 2;
  out += line(f.left(), f.bottom(), f.right(), f.bottom(), "stroke=\"currentColor\"");
  out += line(f.left(), f.top(), f.left(), f.bottom(), "stroke=\"currentColor\"");
  out += text_at(mid_x, f.bottom() + 40, plot.x.label, "middle");
  out += text_at(16, mid_y, plot.y.label, "middle",
                 format("transform=\"rotate(-90 16 %.1f)\"", mid_y));
  if (!plot.top_ticks.empty()) out += text_at(mid_x, f.top() - 26, plot.top_label, "middle");
  return out;
}

std::string windows(const Plot& plot, const Frame& f) {
  std::string out;
  for (const Window& w : plot.windows) {
    const double a = f.px(w.begin), b = f.px(w.end);
    out += format("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"currentColor\" "
                  "opacity=\"0.08\"/>\n", std::min(a, b), f.top(), std::abs(b - a),
                  f.bottom() - f.top());
    out += text_at((a + b) / 2, f.top() + 14, w.label, "middle", "opacity=\"0.8\"");
  }
  return out;
}

std::string marker(size_t kind, double x, double y, const std::string& color) {
  const char* fill = color.c_str();
  switch (kind % 4) {
    case 0: return format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\" fill=\"%s\"/>\n", x, y, fill);
    case 1: return format("<rect x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\" fill=\"%s\"/>\n",
                          x - 3, y - 3, fill);
    case 2: return format("<path d=\"M%.1f %.1fl4 7h-8z\" fill=\"%s\"/>\n", x, y - 4.5, fill);
    default: return format("<path d=\"M%.1f %.1fl4 4l-4 4l-4 -4z\" fill=\"%s\"/>\n", x, y - 4, fill);
  }
}

std::string band(const Series& s, const Frame& f, const std::string& color) {
  if (s.low.empty()) return "";
  std::string points;
  for (size_t i = 0; i < s.x.size(); ++i) points += format("%.1f,%.1f ", f.px(s.x[i]), f.py(s.high[i]));
  for (size_t i = s.x.size(); i-- > 0;) points += format("%.1f,%.1f ", f.px(s.x[i]), f.py(s.low[i]));
  return "<polygon points=\"" + points + "\" fill=\"" + color + "\" opacity=\"0.2\"/>\n";
}

std::string curve(const Series& s, size_t number, const Frame& f) {
  const std::string color = hex_color(kOkabeIto[kLineColors[number % kLineColors.size()]]);
  std::string points, marks;
  for (size_t i = 0; i < s.x.size(); ++i) {
    if (!std::isfinite(s.y[i])) continue;
    points += format("%.1f,%.1f ", f.px(s.x[i]), f.py(s.y[i]));
    if (s.markers) marks += marker(number, f.px(s.x[i]), f.py(s.y[i]), color);
  }
  return band(s, f, color) + "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"" + color +
         "\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-dasharray=\"" +
         kDashes[number % kDashes.size()] + "\"/>\n" + marks;
}

std::string legend(const Plot& plot, const Frame& f) {
  if (Frame::legend_lines(plot) == 0) return "";
  std::string out;
  const double column = (f.right() - f.left()) / 3;
  for (size_t k = 0; k < plot.series.size(); ++k) {
    const double x = f.left() + column * static_cast<double>(k % 3);
    const double y = plot.height + 6 + 20 * static_cast<double>(k / 3);
    const std::string color = hex_color(kOkabeIto[kLineColors[k % kLineColors.size()]]);
    out += line(x, y, x + 26, y,
                ("stroke=\"" + color + "\" stroke-width=\"2\" stroke-dasharray=\"" +
                 kDashes[k % kDashes.size()] + "\"").c_str());
    if (plot.series[k].markers) out += marker(k, x + 13, y, color);
    out += text_at(x + 32, y + 4, plot.series[k].label, "start");
  }
  return out;
}

void check(const Plot& plot) {
  for (const Series& s : plot.series) {
    const bool intervals = s.low.empty() ? s.high.empty()
                                         : s.low.size() == s.x.size() && s.high.size() == s.x.size();
    if (s.x.empty() || s.x.size() != s.y.size() || !intervals) {
      throw ValueError("[viz.to_svg] expected x, y and intervals of equal length >= 1 in series '" +
                       s.label + "', got " + std::to_string(s.x.size()) + ", " +
                       std::to_string(s.y.size()) + " and " + std::to_string(s.low.size()));
    }
  }
  if (plot.series.empty()) throw ValueError("[viz.to_svg] expected a series, got none");
}

}  // namespace

std::string escape_markup(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

std::vector<double> nice_ticks(double min, double max, int count, bool log) {
  std::vector<double> ticks;
  if (log) {
    const bool few = std::log10(max / min) < 2.5;
    for (double decade = std::floor(std::log10(min)); decade <= std::log10(max); ++decade) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double v = factor * std::pow(10, decade);
        const bool shown = factor == 1.0 || few;
        if (shown && v >= min * (1 - 1e-9) && v <= max * (1 + 1e-9)) ticks.push_back(v);
      }
    }
    return ticks;
  }
  const double raw = (max - min) / count, unit = std::pow(10, std::floor(std::log10(raw)));
  const double step = unit * (raw / unit > 5 ? 10 : raw / unit > 2 ? 5 : raw / unit > 1 ? 2 : 1);
  for (double v = std::ceil(min / step - 1e-9) * step; v <= max + 1e-9 * step; v += step) {
    ticks.push_back(v);
  }
  return ticks;
}

std::string to_svg(const Plot& plot) {
  check(plot);
  const Frame frame(plot);
  std::string out = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
      "font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"currentColor\">\n",
      plot.width, frame.height());
  out += "<title>" + escape_markup(plot.title) + "</title>\n";
  if (!plot.description.empty()) out += "<desc>" + escape_markup(plot.description) + "</desc>\n";
  out += text_at(frame.left(), 18, plot.title, "start", "font-weight=\"600\" font-size=\"14\"");
  out += windows(plot, frame) + axes(plot, frame);
  for (size_t k = 0; k < plot.series.size(); ++k) out += curve(plot.series[k], k, frame);
  return out + legend(plot, frame) + "</svg>\n";
}

}  // namespace noisescope
