#include "noisescope/viz/palette.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::viz {
namespace {

uint32_t colour_key(const uint8_t* rgb) {
  return static_cast<uint32_t>(rgb[0]) << 16 | static_cast<uint32_t>(rgb[1]) << 8 | rgb[2];
}

struct Color {
  std::array<double, 3> rgb;
  double weight;
};

/// The colours of all pictures with their counts, as the means of cells of `bits` bits a channel;
/// nothing if there are more than `limit`.
std::optional<std::vector<Color>> histogram(const std::vector<const Image*>& pictures, int bits, size_t limit) {
  const int drop = 8 - bits;
  std::unordered_map<uint32_t, Color> cells;
  uint32_t last_key = ~0U;  // pictures have long runs of one colour
  Color* cell = nullptr;
  for (const Image* picture : pictures) {
    for (size_t p = 0; p + 2 < picture->pixels.size(); p += 3) {
      const uint8_t* rgb = &picture->pixels[p];
      const uint32_t key =
          static_cast<uint32_t>(rgb[0] >> drop) << 16 | static_cast<uint32_t>(rgb[1] >> drop) << 8 | (rgb[2] >> drop);
      if (key != last_key) {
        cell = &cells[key];
        last_key = key;
        if (cells.size() > limit) return std::nullopt;
      }
      for (size_t c = 0; c < 3; ++c) cell->rgb[c] += rgb[c];
      cell->weight += 1;
    }
  }
  // In the order of the keys, so that equal pictures give equal palettes.
  std::vector<std::pair<uint32_t, Color>> ordered(cells.begin(), cells.end());
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Color> out;
  for (auto& [key, color] : ordered) {
    for (double& value : color.rgb) value /= color.weight;
    out.push_back(color);
  }
  return out;
}

struct Box {
  size_t begin, end, axis;
  double spread;
};

Box make_box(const std::vector<Color>& colors, size_t begin, size_t end) {
  Box box{begin, end, 0, -1};
  for (size_t axis = 0; axis < 3; ++axis) {
    double low = 256, high = -1;
    for (size_t i = begin; i < end; ++i) {
      low = std::min(low, colors[i].rgb[axis]);
      high = std::max(high, colors[i].rgb[axis]);
    }
    if (high - low > box.spread) box.axis = axis, box.spread = high - low;
  }
  return box;
}

/// First index of the upper half by weight; both halves hold something.
size_t weighted_median(const std::vector<Color>& colors, const Box& box) {
  double total = 0, sum = 0;
  for (size_t i = box.begin; i < box.end; ++i) total += colors[i].weight;
  for (size_t i = box.begin; i + 1 < box.end; ++i) {
    sum += colors[i].weight;
    if (2 * sum >= total) return i + 1;
  }
  return box.end - 1;
}

std::vector<Box> median_cut(std::vector<Color>& colors, size_t wanted) {
  std::vector<Box> boxes = {make_box(colors, 0, colors.size())};
  while (boxes.size() < wanted) {
    const auto widest =
        std::max_element(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.spread < b.spread; });
    if (widest->spread <= 0) break;
    const Box old = *widest;
    std::sort(colors.begin() + static_cast<int64_t>(old.begin), colors.begin() + static_cast<int64_t>(old.end),
              [&](const Color& a, const Color& b) { return a.rgb[old.axis] < b.rgb[old.axis]; });
    const size_t middle = weighted_median(colors, old);
    *widest = make_box(colors, old.begin, middle);
    boxes.push_back(make_box(colors, middle, old.end));
  }
  return boxes;
}

}  // namespace

Palette::Palette(const std::vector<const Image*>& pictures, size_t colors) : nearest_of_cell_(size_t{1} << 18, -1) {
  for (const Image* picture : pictures) {
    if (picture->channels == 3 && !picture->pixels.empty()) continue;
    throw ValueError(format_text("[viz.Palette] expected RGB pictures with pixels, got {} x {} with {} channels",
                                 picture->width, picture->height, picture->channels));
  }
  if (pictures.empty()) throw ValueError("[viz.Palette] expected at least one picture, got none");
  std::optional<std::vector<Color>> exact = histogram(pictures, 8, colors);
  const bool keeps_all = exact.has_value();
  std::vector<Color> found = exact ? *std::move(exact) : *histogram(pictures, 6, size_t{1} << 18);
  for (const Box& box : median_cut(found, colors)) {
    std::array<double, 3> sum{};
    double weight = 0;
    for (size_t i = box.begin; i < box.end; ++i) {
      for (size_t c = 0; c < 3; ++c) sum[c] += found[i].rgb[c] * found[i].weight;
      weight += found[i].weight;
    }
    for (const double s : sum) colours_.push_back(static_cast<uint8_t>(std::lround(s / weight)));
  }
  for (size_t i = 0; keeps_all && i < size(); ++i) {
    exact_.emplace(colour_key(&colours_[3 * i]), static_cast<uint8_t>(i));
  }
}

uint8_t Palette::nearest(const double* rgb) const {
  size_t best = 0;
  double best_distance = 1e18;
  for (size_t i = 0; i < size(); ++i) {
    double distance = 0;
    for (size_t c = 0; c < 3; ++c) {
      const double d = rgb[c] - colours_[3 * i + c];
      distance += d * d;
    }
    if (distance < best_distance) best = i, best_distance = distance;
  }
  return static_cast<uint8_t>(best);
}

std::vector<uint8_t> Palette::indices(const Image& picture, bool dither) const {
  // Few colours: exact search, so that close ones are not mixed up within a cell.
  const bool cached = size() > 64 || dither;
  std::vector<uint8_t> out(static_cast<size_t>(picture.width * picture.height));
  std::vector<double> here(3 * (picture.width + 2), 0.0), below(here.size(), 0.0);  // errors
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      if (const auto kept = exact_.find(colour_key(picture.at(y, x))); kept != exact_.end()) {
        out[y * picture.width + x] = kept->second;
        continue;
      }
      double* error = &here[3 * (x + 1)];
      double rgb[3];
      size_t cell = 0;
      for (int c = 0; c < 3; ++c) {
        rgb[c] = std::clamp(picture.at(y, x)[c] + (dither ? error[c] : 0.0), 0.0, 255.0);
        cell = cell << 6 | static_cast<size_t>(rgb[c]) >> 2;
      }
      int16_t& known = nearest_of_cell_[cell];
      if (known < 0 || !cached) known = nearest(rgb);
      out[y * picture.width + x] = static_cast<uint8_t>(known);
      for (int c = 0; dither && c < 3; ++c) {
        const double e = (rgb[c] - colours_[3 * known + c]) / 16;
        error[3 + c] += 7 * e;
        double* next = &below[3 * (x + 1) + c];
        next[-3] += 3 * e, next[0] += 5 * e, next[3] += e;
      }
    }
    here.swap(below);
    std::fill(below.begin(), below.end(), 0.0);
  }
  return out;
}

}  // namespace noisescope::viz
