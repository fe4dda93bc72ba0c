#include "noisescope/viz/film.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "noisescope/core/error.h"
#include "noisescope/viz/canvas.h"

namespace noisescope {
namespace {

constexpr int64_t kGap = 12;
const TextStyle kCaption{.size_px = 12};
const TextStyle kTitle{.size_px = 14, .bold = true};

void check(const Film& film) {
  for (const FilmPanel& panel : film.panels) {
    if (panel.steps.size() == film.step_captions.size() && !panel.steps.empty()) continue;
    throw ValueError("[viz.film] expected " + std::to_string(film.step_captions.size()) +
                     " steps in panel '" + panel.caption + "', got " +
                     std::to_string(panel.steps.size()));
  }
  if (film.panels.empty()) throw ValueError("[viz.film] expected panels, got none");
}

/// The range that a signed panel is shown in: the 99.5 % quantile of the magnitudes of all steps.
double magnitude_of(const FilmPanel& panel) {
  std::vector<Tensor> values;
  for (const Tensor& step : panel.steps) {
    if (step.defined()) values.push_back(step.flatten());
  }
  return values.empty() ? 1.0 : symmetric_range(torch::cat(values)).high;
}

const Tensor& any_step(const Film& film) {
  for (const FilmPanel& panel : film.panels) {
    for (const Tensor& step : panel.steps) {
      if (step.defined()) return step;
    }
  }
  throw ValueError("[viz.film] expected at least one evaluated step");
}

void paint(Canvas& canvas, int64_t x, int64_t y, const FilmPanel& panel, size_t step,
           double magnitude, int64_t side, int64_t scale) {
  const Tensor& values = panel.steps[step];
  if (!values.defined()) {
    canvas.rect(x, y, side * scale, side * scale, Ink::kEmpty);
    canvas.hatch(x, y, side * scale, side * scale, Ink::kRule);
    return;
  }
  canvas.picture(x, y, panel.kind == PanelKind::picture ? to_image(values)
                                                        : signed_image(values, magnitude),
                 scale);
}

std::string range_text(const FilmPanel& panel, double magnitude) {
  if (panel.kind == PanelKind::picture) return "";
  char text[48];
  std::snprintf(text, sizeof text, "gray 0, black/white -/+%.2g", magnitude);
  return text;
}

}  // namespace

std::vector<Image> film_frames(const Film& film, int64_t scale) {
  check(film);
  const int64_t side = any_step(film).size(2), cell = side * scale;
  const auto panels = static_cast<int64_t>(film.panels.size());
  const int64_t width = kGap + panels * (std::max<int64_t>(cell, 168) + kGap);
  const int64_t column = std::max<int64_t>(cell, 168) + kGap;
  std::vector<double> magnitudes;
  for (const FilmPanel& panel : film.panels) magnitudes.push_back(magnitude_of(panel));
  std::vector<Image> frames;
  for (size_t step = 0; step < film.step_captions.size(); ++step) {
    Canvas canvas(width, 52 + cell + 46);
    canvas.text(kGap, 8, film.title, kTitle);
    canvas.text(kGap, 28, film.step_captions[step], kCaption, Ink::kMuted);
    for (int64_t p = 0; p < panels; ++p) {
      const FilmPanel& panel = film.panels[static_cast<size_t>(p)];
      const double magnitude = magnitudes[static_cast<size_t>(p)];
      const int64_t x = kGap + p * column;
      paint(canvas, x, 52, panel, step, magnitude, side, scale);
      canvas.text(x, 52 + cell + 6, panel.caption, kCaption);
      canvas.text(x, 52 + cell + 23, range_text(panel, magnitude), kCaption, Ink::kMuted);
    }
    frames.push_back(std::move(canvas).image());
  }
  return frames;
}

Image film_strip(const Film& film, int64_t columns, int64_t scale) {
  check(film);
  const int64_t side = any_step(film).size(2), cell = side * scale;
  const auto steps = static_cast<int64_t>(film.step_captions.size());
  const int64_t shown = std::min(columns, steps);
  constexpr int64_t kLabel = 190, kTop = 56;
  const auto rows = static_cast<int64_t>(film.panels.size());
  const int64_t pitch = std::max<int64_t>(cell, 76) + 6;
  Canvas canvas(kLabel + shown * pitch + kGap, kTop + rows * (cell + 6) + kGap);
  canvas.text(kGap, 8, film.title, kTitle);
  for (int64_t c = 0; c < shown; ++c) {
    const auto step = static_cast<size_t>(
        shown == 1 ? steps - 1 : std::llround(double(c) * double(steps - 1) / double(shown - 1)));
    const std::string caption = film.step_captions[step];
    canvas.text(kLabel + c * pitch, 34, caption.substr(0, caption.find(',')), kCaption, Ink::kMuted);
    for (int64_t r = 0; r < rows; ++r) {
      const FilmPanel& panel = film.panels[static_cast<size_t>(r)];
      paint(canvas, kLabel + c * pitch, kTop + r * (cell + 6), panel, step, magnitude_of(panel), side,
            scale);
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    const FilmPanel& panel = film.panels[static_cast<size_t>(r)];
    const int64_t y = kTop + r * (cell + 6) + cell / 2 - 16;
    canvas.text(kGap, y, panel.caption, kCaption);
    canvas.text(kGap, y + 17, range_text(panel, magnitude_of(panel)), kCaption, Ink::kMuted);
  }
  return std::move(canvas).image();
}

}  // namespace noisescope
