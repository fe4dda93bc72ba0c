// Scales and the frame of a plot: what line plots, bar plots and heat maps share. Internal to viz.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "noisescope/viz/plot.h"
#include "noisescope/viz/svg.h"

namespace noisescope::viz {

/// Data values -> pixels along one axis.
struct Scale {
  double low = 0, high = 1;  // data
  double from_px = 0, to_px = 1;
  bool log = false;

  double operator()(double value) const;
};

/// The rectangle of the data area.
struct PlotArea {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

/// "label (unit)"
std::string axis_title(const std::string& label, const std::string& unit);

/// Ticks of a scale, `wanted` of them.
std::vector<Tick> scale_ticks(const Scale& scale, int wanted);

/// Grid lines and numbers left of the area, with the axis title turned beside them.
void draw_y_axis(SvgWriter& svg, const PlotArea& area, const Scale& y, const Axis& axis);

/// Ticks, numbers and title below the area.
void draw_x_axis(SvgWriter& svg, const PlotArea& area, const Scale& x, const Axis& axis);

/// The second reading above the area; numbers that would touch are left out.
/// Throws ValueError where the mapping is not monotone.
void draw_second_x_axis(SvgWriter& svg, const PlotArea& area, const Scale& x, const SecondAxis& axis);

/// Space that the numbers of the y-axis and its title take.
double y_axis_width(const Scale& y, const Axis& axis);

/// The title, broken into lines; returns the y below it.
double draw_title(SvgWriter& svg, double left, double top, double width, std::string_view title);
/// Height that draw_title will take.
double title_height(double width, std::string_view title);

}  // namespace noisescope::viz
