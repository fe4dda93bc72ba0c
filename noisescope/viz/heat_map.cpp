#include "noisescope/viz/heat_map.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/viz/plot_frame.h"
#include "noisescope/viz/svg.h"

namespace noisescope::viz {
namespace {

constexpr double kMargin = 16, kBarWidth = 14, kTickSize = 11.5;

void check_map(const HeatMap& map) {
  check_shape("viz.render_svg", "values", map.values, {-1, -1});
  const int64_t rows = map.values.size(0), columns = map.values.size(1);
  const auto fits = [](const std::vector<std::string>& names, int64_t count) {
    return names.empty() || static_cast<int64_t>(names.size()) == count;
  };
  if (rows == 0 || columns == 0 || map.x.log || map.y.log || !fits(map.x_names, columns) || !fits(map.y_names, rows)) {
    throw ValueError(
        format_text("[viz.render_svg] expected a matrix with at least one cell, "
                    "linear axes and a name for each row and column or none, "
                    "got {}, {} row names and {} column names",
                    describe_tensor(map.values), map.y_names.size(), map.x_names.size()));
  }
}

ValueRange range_of(const HeatMap& map) {
  if (map.range) return *map.range;
  return map.map == ColourMap::diverging ? symmetric_range(map.values, 1.0) : value_range(map.values);
}

/// Cells magnified, for programs that would blur a small picture.
Image magnified(const Image& image, int64_t scale) {
  Image out{.width = image.width * scale, .height = image.height * scale, .channels = 3, .pixels = {}};
  out.pixels.resize(out.width * out.height * 3);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      std::copy_n(image.at(y / scale, x / scale), 3, out.at(y, x));
    }
  }
  return out;
}

void draw_picture(SvgWriter& svg, const PlotArea& area, const Image& image) {
  svg.element("image", {{"class", "pixels"},
                        {"x", area.left},
                        {"y", area.top},
                        {"width", area.width()},
                        {"height", area.height()},
                        {"preserveAspectRatio", "none"},
                        {"href", data_uri("image/png", encode_png(image))}});
  svg.element("rect", {{"class", "axis"},
                       {"stroke", "#5b6673"},
                       {"fill", "none"},
                       {"x", area.left},
                       {"y", area.top},
                       {"width", area.width()},
                       {"height", area.height()}});
}

void draw_colour_scale(SvgWriter& svg, const HeatMap& map, const PlotArea& area, ValueRange range) {
  Image bar{.width = 1, .height = 256, .channels = 3, .pixels = {}};
  const auto& table = colour_table(map.map);
  for (int k = 255; k >= 0; --k) bar.pixels.insert(bar.pixels.end(), {table[k].r, table[k].g, table[k].b});
  draw_picture(svg, area, bar);
  const Scale scale{.low = range.low, .high = range.high, .from_px = area.bottom, .to_px = area.top};
  double widest = 0;
  for (const Tick& tick : scale_ticks(scale, 6)) {
    svg.line(area.right, scale(tick.value), area.right + 4, scale(tick.value), "axis");
    svg.text(area.right + 8, scale(tick.value) + 4, tick.label, "tick");
    widest = std::max(widest, estimated_text_width(tick.label, kTickSize));
  }
  svg.text(area.right + widest + 26, (area.top + area.bottom) / 2, axis_title(map.value_label, map.value_unit), "label",
           {"middle", -90});
}

double widest_name(const std::vector<std::string>& names) {
  double widest = 0;
  for (const std::string& name : names) widest = std::max(widest, estimated_text_width(name, kTickSize));
  return widest;
}

/// Names of columns below (turned where they would touch), or a numeric axis, or its title alone.
void draw_columns(SvgWriter& svg, const HeatMap& map, const PlotArea& area, bool turned) {
  const double pitch = area.width() / static_cast<double>(map.values.size(1));
  for (size_t i = 0; i < map.x_names.size(); ++i) {
    const double at = area.left + pitch * (static_cast<double>(i) + 0.5);
    if (turned) {
      svg.text(at + 4, area.bottom + 14, map.x_names[i], "tick", {"end", -45});
    } else {
      svg.text(at, area.bottom + 18, map.x_names[i], "tick", "middle");
    }
  }
  if (map.x_names.empty() && map.x.min && map.x.max) {
    draw_x_axis(svg, area, {.low = *map.x.min, .high = *map.x.max, .from_px = area.left, .to_px = area.right}, map.x);
    return;
  }
  const double below = turned ? 0.75 * widest_name(map.x_names) + 34 : map.x_names.empty() ? 20 : 40;
  svg.text((area.left + area.right) / 2, area.bottom + below, axis_title(map.x.label, map.x.unit), "label", "middle");
}

void draw_rows(SvgWriter& svg, const HeatMap& map, const PlotArea& area) {
  const double pitch = area.height() / static_cast<double>(map.values.size(0));
  for (size_t i = 0; i < map.y_names.size(); ++i) {
    svg.text(area.left - 8, area.top + pitch * (static_cast<double>(i) + 0.5) + 4, map.y_names[i], "tick", "end");
  }
  if (map.y_names.empty() && map.y.min && map.y.max) {
    const Scale y{.low = *map.y.min, .high = *map.y.max, .from_px = area.bottom, .to_px = area.top};
    for (const Tick& tick : scale_ticks(y, std::max(2, static_cast<int>(area.height() / 52)))) {
      svg.line(area.left - 5, y(tick.value), area.left, y(tick.value), "axis");
      svg.text(area.left - 9, y(tick.value) + 4, tick.label, "tick", "end");
    }
  }
  if (!map.y.label.empty()) {
    svg.text(20, (area.top + area.bottom) / 2, axis_title(map.y.label, map.y.unit), "label", {"middle", -90});
  }
}

}  // namespace

std::string render_svg(const HeatMap& map) {
  check_map(map);
  const ValueRange range = range_of(map);
  const double inner = map.width_px - 2 * kMargin, row_names = widest_name(map.y_names);
  PlotArea area;
  area.top = kMargin + title_height(inner, map.title) + 4;
  area.left = kMargin + (map.y.label.empty() ? 4 : 26) + (row_names > 0 ? row_names + 6 : map.y.min ? 36 : 0);
  area.right = map.width_px - 110;
  const double pitch = area.width() / static_cast<double>(map.values.size(1));
  const double column_names = widest_name(map.x_names);
  const bool turned = column_names + 8 > pitch;
  const double names = column_names == 0 ? (map.x.min ? 20 : 0) : turned ? 0.75 * column_names + 12 : 20;
  area.bottom = map.height_px - kMargin - names - (map.x.label.empty() ? 0 : 24);
  if (area.width() < 40 || area.height() < 40) {
    throw ValueError(format_text("[viz.render_svg] expected a figure larger than its texts, got {} x {} px",
                                 map.width_px, map.height_px));
  }
  const bool upwards = map.y_names.empty() && map.y.min && map.y.max;
  const Image cells = colour_image(upwards ? map.values.flip(0) : map.values, map.map, range);
  const int64_t longest = std::max(cells.width, cells.height);

  SvgWriter svg(map.width_px, map.height_px, map.title, map.description);
  draw_title(svg, kMargin, kMargin - 2, inner, map.title);
  draw_picture(svg, area, magnified(cells, std::max<int64_t>(1, 256 / longest)));
  draw_rows(svg, map, area);
  draw_columns(svg, map, area, turned);
  draw_colour_scale(svg, map, {area.right + 18, area.top, area.right + 18 + kBarWidth, area.bottom}, range);
  return svg.finish();
}

}  // namespace noisescope::viz
