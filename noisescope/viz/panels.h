// Rows of captioned panels, pictures and maps side by side, under titles: the plate that most
// explanations are shown on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/viz/colormap.h"

namespace noisescope::viz {

struct Panel {
  Image image;
  std::string caption;
  std::optional<ColourBar> bar = {};
};

struct PanelRow {
  std::string title;  // may be empty
  std::vector<Panel> panels;
};

/// [3, H, W] in [-1, 1] as it is.
Panel picture_panel(const Tensor& picture, const std::string& caption);
/// [H, W] >= 0 from 0 to `largest` (0: its own maximum).
Panel map_panel(const Tensor& map, const std::string& caption, const std::string& unit, double largest = 0);
/// [H, W] of either sign, symmetric around 0.
Panel signed_panel(const Tensor& map, const std::string& caption, const std::string& unit, double largest = 0);
/// [H, W] bool.
Panel mask_panel(const Tensor& mask, const std::string& caption);

/// All images have one size. Throws ValueError for no panel, ShapeError for unequal images.
Image panel_rows(const std::vector<PanelRow>& rows, int64_t scale = 5);

}  // namespace noisescope::viz
