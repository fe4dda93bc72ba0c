// A matrix as colours, with axes, units and a colour bar: SVG whose cells are an embedded PNG.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/core/tensor.h"
#include "noisescope/viz/colormap.h"
#include "noisescope/viz/plot.h"

namespace noisescope::viz {

/// Row 0 is at the top with `y_names` or without a y range; with a range y grows upwards and row 0
/// lies at y.min, as on paper.
struct HeatMap {
  std::string title;
  std::string description;  // its alternative text
  Tensor values;            // [rows, columns], any real dtype; NaN is drawn gray
  Axis x = {};              // min and max are the outer edges of the first and last column
  Axis y = {};
  std::vector<std::string> x_names = {};  // one a column, instead of a numeric axis
  std::vector<std::string> y_names = {};
  std::string value_label;  // beside the colour bar
  std::string value_unit;
  ColourMap map = ColourMap::sequential;
  std::optional<ValueRange> range = {};  // default: of the values; symmetric for the diverging map
  int width_px = 560;
  int height_px = 420;
};

/// A self-contained SVG document. Throws ShapeError unless values are [rows, columns], ValueError for
/// an empty matrix, another number of names, or a logarithmic axis (cells are equally wide).
std::string render_svg(const HeatMap& map);

}  // namespace noisescope::viz
