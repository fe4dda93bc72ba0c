#include "noisescope/viz/film.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/viz/canvas.h"
#include "noisescope/viz/text.h"

namespace noisescope::viz {
namespace {

constexpr int64_t kGap = 14, kRampHeight = 7;
const TextStyle kTitle{.size_px = 16, .bold = true};
const TextStyle kName{.size_px = 13, .bold = true};
const TextStyle kNote{.size_px = 12};

/// A film made ready: its picture size and the range of each signed panel.
struct Reel {
  const Film& film;
  int64_t width = 0;  // of a picture, in its own pixels
  int64_t height = 0;
  std::vector<double> magnitudes;  // by panel; the 99.5 % quantile over all steps

  size_t panels() const { return film.panels.size(); }
  size_t steps() const { return film.step_captions.size(); }
};

void check_lengths(const Film& film) {
  if (film.panels.empty() || film.step_captions.empty()) {
    throw ValueError(format_text("[viz.film] expected at least one panel and one step, got {} panels and {} steps",
                                 film.panels.size(), film.step_captions.size()));
  }
  for (const FilmPanel& panel : film.panels) {
    if (panel.steps.size() == film.step_captions.size()) continue;
    throw ValueError(
        format_text("[viz.film] expected {} steps in panel '{}', got {}; "
                    "give undefined tensors for missing ones",
                    film.step_captions.size(), panel.caption, panel.steps.size()));
  }
}

Reel make_reel(const Film& film) {
  check_lengths(film);
  Reel reel{film, 0, 0, {}};
  for (const FilmPanel& panel : film.panels) {
    std::vector<Tensor> values;
    for (const Tensor& step : panel.steps) {
      if (!step.defined()) continue;
      check_shape("viz.film", "panel step", step, {-1, -1, -1});
      if (reel.width == 0) reel.width = step.size(2), reel.height = step.size(1);
      check_shape("viz.film", "panel step", step, {-1, reel.height, reel.width});
      if (panel.kind == PanelKind::signed_) values.push_back(step.detach().to(torch::kCPU).flatten());
    }
    reel.magnitudes.push_back(values.empty() ? 1.0 : symmetric_range(torch::cat(values)).high);
  }
  if (reel.width == 0) throw ValueError("[viz.film] expected at least one evaluated step, got none");
  return reel;
}

int64_t scale_for(const Reel& reel, int64_t scale, int64_t wanted_px) {
  return scale > 0 ? scale : std::max<int64_t>(1, (wanted_px + reel.width / 2) / reel.width);
}

void paint_cell(Canvas& canvas, const Reel& reel, size_t panel, size_t step, int64_t x, int64_t y, int64_t scale) {
  const FilmPanel& p = reel.film.panels[panel];
  const int64_t width = reel.width * scale, height = reel.height * scale;
  if (!p.steps[step].defined()) {
    canvas.rect(x, y, width, height, Ink::kEmpty);
    canvas.hatch(x, y, width, height, Ink::kRule);
    if (width > 100) {
      const int64_t middle = y + (height - line_height(kNote)) / 2;
      canvas.rect(x + 8, middle - 3, width - 16, line_height(kNote) + 6, Ink::kEmpty);
      canvas.text(x + width / 2, middle, "not evaluated", kNote, {Ink::kMuted, Align::center});
    }
    return;
  }
  canvas.picture(
      x, y,
      p.kind == PanelKind::picture ? to_image(p.steps[step]) : signed_image(p.steps[step], reel.magnitudes[panel]),
      scale);
}

/// From black to white with the values they stand for: -m, 0, m.
void draw_ramp(Canvas& canvas, int64_t x, int64_t y, int64_t width, double magnitude) {
  for (int64_t i = 0; i < width; ++i) {
    const auto gray = static_cast<uint8_t>(255 * i / std::max<int64_t>(1, width - 1));
    canvas.rect(x + i, y, 1, kRampHeight, {gray, gray, gray});
  }
  canvas.frame(x, y, width, kRampHeight, 1, Ink::kMuted);
  const int64_t below = y + kRampHeight + 2;
  const std::string number = format_number(magnitude, 2);
  canvas.text(x, below, "\u2212" + number, kNote, {Ink::kMuted});
  canvas.text(x + width / 2, below, "0", kNote, {Ink::kMuted, Align::center});
  canvas.text(x + width, below, "+" + number, kNote, {Ink::kMuted, Align::right});
}

/// Where in the run this frame is: a dot a step.
void draw_timeline(Canvas& canvas, const Reel& reel, size_t step, int64_t y) {
  const double left = kGap + 5, right = static_cast<double>(canvas.width() - kGap - 5);
  const auto at = [&](size_t i) {
    return reel.steps() == 1 ? right
                             : left + (right - left) * static_cast<double>(i) / static_cast<double>(reel.steps() - 1);
  };
  canvas.rect(static_cast<int64_t>(left), y - 1, static_cast<int64_t>(right - left), 2, Ink::kRule);
  canvas.rect(static_cast<int64_t>(left), y - 1, static_cast<int64_t>(at(step) - left), 2, Ink::kAccent);
  const bool dots = (right - left) / static_cast<double>(reel.steps()) >= 7;
  for (size_t i = 0; dots && i < reel.steps(); ++i) {
    canvas.disc(at(i), static_cast<double>(y), 2.2, i <= step ? Ink::kAccent : Ink::kRule);
  }
  canvas.disc(at(step), static_cast<double>(y), 4.5, Ink::kAccent);
}

/// "sigma 3.1, log-SNR -2.3" -> its parts.
std::vector<std::string> caption_parts(const std::string& caption) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= caption.size();) {
    const size_t end = std::min(caption.find(", ", at), caption.size());
    parts.push_back(caption.substr(at, end - at));
    at = end + 2;
  }
  return parts;
}

/// `columns` step numbers spread evenly, first and last among them.
std::vector<size_t> chosen_steps(size_t steps, int64_t columns) {
  const size_t count = std::min(steps, static_cast<size_t>(std::max<int64_t>(1, columns)));
  std::vector<size_t> out;
  for (size_t c = 0; c < count; ++c) {
    const double share = count == 1 ? 1.0 : static_cast<double>(c) / static_cast<double>(count - 1);
    out.push_back(static_cast<size_t>(std::llround(share * static_cast<double>(steps - 1))));
  }
  return out;
}

}  // namespace

std::vector<Image> film_frames(const Film& film, int64_t scale) {
  const Reel reel = make_reel(film);
  scale = scale_for(reel, scale, 160);
  const int64_t cell_width = reel.width * scale, cell_height = reel.height * scale;
  const int64_t column = std::max<int64_t>(cell_width, 132) + kGap;
  const int64_t caption_top = kGap + line_height(kTitle) + 2;
  const int64_t names_top = caption_top + line_height(kNote) + 12;
  const int64_t cells_top = names_top + line_height(kName) + 4;
  const int64_t ramps_top = cells_top + cell_height + 5;
  const int64_t timeline = ramps_top + kRampHeight + line_height(kNote) + 16;
  const int64_t width = kGap + static_cast<int64_t>(reel.panels()) * column;

  std::vector<Image> frames;
  for (size_t step = 0; step < reel.steps(); ++step) {
    Canvas canvas(width, timeline + kGap);
    canvas.text(kGap, kGap, ellipsise(film.title, kTitle, width - 2 * kGap), kTitle);
    const std::string count = format_text("{} / {}", step + 1, reel.steps());
    const int64_t room = width - 3 * kGap - text_width(count, kNote);
    canvas.text(kGap, caption_top, ellipsise(film.step_captions[step], kNote, room), kNote, {Ink::kMuted});
    canvas.text(width - kGap, caption_top, count, kNote, {Ink::kMuted, Align::right});
    for (size_t p = 0; p < reel.panels(); ++p) {
      const int64_t x = kGap + static_cast<int64_t>(p) * column;
      canvas.text(x, names_top, ellipsise(film.panels[p].caption, kName, column - kGap), kName);
      paint_cell(canvas, reel, p, step, x, cells_top, scale);
      if (film.panels[p].kind == PanelKind::signed_) {
        draw_ramp(canvas, x, ramps_top, cell_width, reel.magnitudes[p]);
      }
    }
    draw_timeline(canvas, reel, step, timeline);
    frames.push_back(std::move(canvas).image());
  }
  return frames;
}

Image film_strip(const Film& film, int64_t columns, int64_t scale) {
  const Reel reel = make_reel(film);
  scale = scale_for(reel, scale, 80);
  const std::vector<size_t> shown = chosen_steps(reel.steps(), columns);
  const int64_t cell_width = reel.width * scale, cell_height = reel.height * scale;
  int64_t label = 104, lines = 1;
  for (const FilmPanel& panel : film.panels) {
    label = std::max(label, std::min<int64_t>(200, text_width(panel.caption, kName)));
  }
  for (const size_t step : shown) {
    lines = std::max(lines, static_cast<int64_t>(caption_parts(film.step_captions[step]).size()));
  }
  const int64_t left = kGap + label + kGap, pitch = std::max<int64_t>(cell_width, 80) + 8;
  const int64_t header = kGap + line_height(kTitle) + 6;
  const int64_t top = header + lines * line_height(kNote) + 6;
  const int64_t row = std::max<int64_t>(cell_height, 48) + 8;
  const auto row_top = [&](size_t panel) { return top + static_cast<int64_t>(panel) * row; };

  Canvas canvas(left + static_cast<int64_t>(shown.size()) * pitch + kGap - 8, row_top(reel.panels()) + kGap - 8);
  canvas.text(kGap, kGap, ellipsise(film.title, kTitle, canvas.width() - 2 * kGap), kTitle);
  for (size_t c = 0; c < shown.size(); ++c) {
    const int64_t x = left + static_cast<int64_t>(c) * pitch;
    int64_t y = header;
    for (const std::string& part : caption_parts(film.step_captions[shown[c]])) {
      canvas.text(x, y, ellipsise(part, kNote, pitch - 4), kNote, {Ink::kMuted});
      y += line_height(kNote);
    }
    for (size_t p = 0; p < reel.panels(); ++p) {
      paint_cell(canvas, reel, p, shown[c], x, row_top(p), scale);
    }
  }
  for (size_t p = 0; p < reel.panels(); ++p) {
    const bool ramp = film.panels[p].kind == PanelKind::signed_;
    const int64_t y = row_top(p) + std::max<int64_t>(0, cell_height / 2 - (ramp ? 24 : 9));
    canvas.text(kGap, y, ellipsise(film.panels[p].caption, kName, label), kName);
    if (ramp) draw_ramp(canvas, kGap, y + line_height(kName) + 4, 104, reel.magnitudes[p]);
  }
  return std::move(canvas).image();
}

}  // namespace noisescope::viz
