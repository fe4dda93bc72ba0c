#include "noisescope/viz/image_grid.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/viz/canvas.h"

namespace noisescope::viz {
namespace {

constexpr Rgb kRight{0x00, 0x9e, 0x73};
constexpr Rgb kWrong{0xd5, 0x5e, 0x00};
constexpr int64_t kBadge = 15;

void check_count(const char* name, size_t count, int64_t images) {
  if (count == 0 || static_cast<int64_t>(count) == images) return;
  throw ValueError(
      format_text("[viz.image_grid] expected one of {} for each of {} images or none, got {}", name, images, count));
}

/// A small square in the corner with a tick or a cross, drawn as short strokes of discs.
void draw_badge(Canvas& canvas, int64_t x, int64_t y, Mark mark) {
  const Rgb color = mark == Mark::right ? kRight : kWrong;
  canvas.rect(x, y, kBadge, kBadge, color);
  const auto stroke = [&](double x0, double y0, double x1, double y1) {
    for (int i = 0; i <= 16; ++i) {
      canvas.disc(x + x0 + (x1 - x0) * i / 16, y + y0 + (y1 - y0) * i / 16, 0.7, Ink::kPaper);
    }
  };
  if (mark == Mark::right) {
    stroke(3.5, 8, 6.3, 11);
    stroke(6.3, 11, 11.5, 4.5);
  } else {
    stroke(4, 4, 11, 11);
    stroke(11, 4, 4, 11);
  }
}

void draw_mark(Canvas& canvas, int64_t x, int64_t y, int64_t width, int64_t height, Mark mark) {
  if (mark == Mark::none) return;
  const int64_t thickness = mark == Mark::right ? 2 : 4;
  canvas.frame(x - thickness, y - thickness, width + 2 * thickness, height + 2 * thickness, thickness,
               mark == Mark::right ? kRight : kWrong);
  draw_badge(canvas, x + width - kBadge, y, mark);
}

/// Where pictures stand: groups on rows of their own, in reading order.
struct Places {
  int64_t group;  // pictures of a group
  int64_t columns;
  int64_t rows;
  int64_t rows_of_group() const { return (group + columns - 1) / columns; }
  int64_t row(int64_t i) const { return i / group * rows_of_group() + i % group / columns; }
  int64_t column(int64_t i) const { return i % group % columns; }
};

/// As square as possible where no number of columns is given; rows of a group then as even as possible.
Places places_of(int64_t count, const ImageGridOptions& options) {
  Places places{options.group > 0 ? std::min(options.group, count) : count, 0, 0};
  const auto square = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  places.columns = std::min(places.group, options.columns > 0 ? options.columns : square);
  if (options.columns == 0 && options.group > 0) {
    places.columns = (places.group + places.rows_of_group() - 1) / places.rows_of_group();
  }
  places.rows = places.row(count - 1) + 1;
  return places;
}

}  // namespace

Image image_grid(const Tensor& images, const std::vector<std::string>& captions, const ImageGridOptions& options,
                 const std::vector<Mark>& marks, const std::string& title) {
  check_shape("viz.image_grid", "images", images, {-1, -1, -1, -1});
  if ((images.size(1) != 3 && images.size(1) != 1) || images.size(2) < 1 || images.size(3) < 1) {
    throw ShapeError("[viz.image_grid] expected images [B, 3 or 1, H, W] with pixels, got " + describe_tensor(images));
  }
  const int64_t count = images.size(0);
  if (count == 0) throw ValueError("[viz.image_grid] expected at least one image, got none");
  check_count("captions", captions.size(), count);
  check_count("marks", marks.size(), count);

  const int64_t scale =
      options.scale > 0 ? options.scale : std::max<int64_t>(1, (128 + images.size(3) / 2) / images.size(3));
  const int64_t width = images.size(3) * scale, height = images.size(2) * scale;
  const Places places = places_of(count, options);

  const TextStyle text{.size_px = options.text_px};
  const TextStyle heading{.size_px = options.text_px + 3, .bold = true};
  const int64_t line = line_height(text), gap = std::max<int64_t>(options.gap_px, 8);
  std::vector<std::vector<std::string>> lines(count);
  std::vector<int64_t> row_height(places.rows, height);
  for (int64_t i = 0; i < count && !captions.empty(); ++i) {
    lines[i] = wrap_text(captions[i], text, width, options.caption_lines);
    const int64_t needed = height + 5 + line * static_cast<int64_t>(lines[i].size());
    row_height[places.row(i)] = std::max(row_height[places.row(i)], needed);
  }
  const int64_t top = gap + (title.empty() ? 0 : line_height(heading) + gap / 2);
  int64_t total = top;
  for (const int64_t h : row_height) total += h + gap;

  Canvas canvas(gap + places.columns * (width + gap), total);
  if (!title.empty()) {
    canvas.text(gap, gap, ellipsise(title, heading, canvas.width() - 2 * gap), heading);
  }
  for (int64_t i = 0, y = top; i < count; ++i) {
    const int64_t x = gap + places.column(i) * (width + gap);
    canvas.picture(x, y, to_image(images[i]), scale);
    if (!marks.empty()) draw_mark(canvas, x, y, width, height, marks[i]);
    for (size_t k = 0; k < lines[i].size(); ++k) {
      canvas.text(x, y + height + 5 + line * static_cast<int64_t>(k), lines[i][k], text);
    }
    if (i + 1 < count && places.row(i + 1) > places.row(i)) y += row_height[places.row(i)] + gap;
  }
  return std::move(canvas).image();
}

}  // namespace noisescope::viz
