#include "noisescope/viz/panels.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/viz/canvas.h"

namespace noisescope::viz {
namespace {

constexpr int64_t kPanelsGap = 16, kTitle = 26, kCaption = 20;

bool has_bar(const PanelRow& row) {
  return std::any_of(row.panels.begin(), row.panels.end(), [](const Panel& panel) { return panel.bar.has_value(); });
}

/// Lays rows out for images of one size.
class Plate {
 public:
  Plate(const Image& image, int64_t scale)
      : side_(image.width), width_(image.width * scale), height_(image.height * scale), scale_(scale) {}

  int64_t row_height(const PanelRow& row) const {
    return (row.title.empty() ? 0 : kTitle) + height_ + kCaption + (has_bar(row) ? colour_bar_height() : 0) +
           kPanelsGap;
  }
  int64_t row_width(const PanelRow& row) const {
    return kPanelsGap + static_cast<int64_t>(row.panels.size()) * (width_ + kPanelsGap);
  }
  void draw(Canvas& canvas, const PanelRow& row, int64_t y) const {
    if (!row.title.empty()) {
      canvas.text(kPanelsGap, y, row.title, {.size_px = 14, .bold = true});
      y += kTitle;
    }
    int64_t x = kPanelsGap;
    for (const Panel& panel : row.panels) {
      draw(canvas, panel, x, y);
      x += width_ + kPanelsGap;
    }
  }

 private:
  void draw(Canvas& canvas, const Panel& panel, int64_t x, int64_t y) const {
    if (panel.image.width != side_ || panel.image.height * scale_ != height_) {
      throw ShapeError(format_text("[viz.panel_rows] expected images of one size, got {}x{} for \"{}\"",
                                   panel.image.width, panel.image.height, panel.caption));
    }
    canvas.picture(x, y, panel.image, scale_);
    canvas.text(x, y + height_ + 3, panel.caption, {.size_px = 12}, {Ink::kMuted});
    if (!panel.bar) return;
    draw_colour_bar(canvas, x, y + height_ + kCaption, width_, *panel.bar);
  }

  int64_t side_, width_, height_, scale_;
};

}  // namespace

Panel picture_panel(const Tensor& picture, const std::string& caption) {
  return {to_image(picture.to(torch::kCPU, torch::kFloat32)), caption};
}

Panel map_panel(const Tensor& map, const std::string& caption, const std::string& unit, double largest) {
  if (largest <= 0) largest = map.max().item<double>();
  const ValueRange range{0, std::max(1e-9, largest)};
  return {colour_image(map, ColourMap::sequential, range), caption, ColourBar{ColourMap::sequential, range, unit}};
}

Panel signed_panel(const Tensor& map, const std::string& caption, const std::string& unit, double largest) {
  const ValueRange range = largest > 0 ? ValueRange{-largest, largest} : symmetric_range(map);
  return {colour_image(map, ColourMap::diverging, range), caption, ColourBar{ColourMap::diverging, range, unit}};
}

Panel mask_panel(const Tensor& mask, const std::string& caption) {
  return {colour_image(mask.to(torch::kFloat32), ColourMap::sequential, {0, 1}), caption};
}

Image panel_rows(const std::vector<PanelRow>& rows, int64_t scale) {
  if (rows.empty() || rows.front().panels.empty()) {
    throw ValueError("[viz.panel_rows] expected at least one panel, got none");
  }
  const Plate plate(rows.front().panels.front().image, scale);
  int64_t width = 0, height = kPanelsGap;
  for (const PanelRow& row : rows) {
    width = std::max(width, plate.row_width(row));
    height += plate.row_height(row);
  }
  Canvas canvas(width, height);
  int64_t y = kPanelsGap;
  for (const PanelRow& row : rows) {
    plate.draw(canvas, row, y);
    y += plate.row_height(row);
  }
  return std::move(canvas).image();
}

}  // namespace noisescope::viz
