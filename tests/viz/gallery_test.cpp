// One of every kind of figure, of made-up content. What can be checked without eyes is checked in the
// other files; to look at them:  NOISESCOPE_GALLERY=folder viz_test --gtest_filter='Gallery.*'
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "noisescope/core/random.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/canvas.h"
#include "noisescope/viz/film.h"
#include "noisescope/viz/image_grid.h"
#include "noisescope/viz/plot.h"
#include "noisescope/viz/report.h"

namespace noisescope {
namespace {

std::filesystem::path folder() {
  const char* chosen = std::getenv("NOISESCOPE_GALLERY");
  return chosen != nullptr ? chosen : std::filesystem::path(::testing::TempDir()) / "gallery";
}

/// Two-object-like pictures: coloured discs on gray.
Tensor scenes(int64_t count, int64_t side = 32) {
  const Tensor rows = torch::arange(side).view({1, side, 1}), columns = torch::arange(side).view({1, 1, side});
  Tensor out = torch::full({count, 3, side, side}, -0.15);
  const float colors[4][3] = {{0.8F, -0.7F, -0.7F}, {-0.7F, 0.1F, 0.9F}, {-0.6F, 0.5F, -0.4F}, {0.9F, 0.7F, -0.8F}};
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t object = 0; object < 2; ++object) {
      const double cy = 10 + 3 * static_cast<double>((i * 7 + object * 5) % 4);
      const double cx = 8 + 16 * static_cast<double>(object);
      const Tensor inside = ((rows - cy).square() + (columns - cx).square() < 30)[0];
      for (int64_t c = 0; c < 3; ++c) {
        out[i][c].masked_fill_(inside, colors[(i + object * 2 + 1) % 4][c]);
      }
    }
  }
  return out;
}

Film made_up_film(int64_t steps) {
  const Tensor clean = scenes(1)[0];
  const Random random(7);
  Film film{"a red circle to the left of a blue square on gray", {}, {}};
  film.panels = {{"x_t", PanelKind::picture, {}},
                 {"x\u0302\u2080", PanelKind::picture, {}},
                 {"\u03b5 with prompt", PanelKind::signed_, {}},
                 {"\u03b5 without prompt", PanelKind::signed_, {}},
                 {"difference", PanelKind::signed_, {}}};
  const Tensor noise = random.normal(Purpose::initial_noise, 0, {0}, {3, 32, 32})[0];
  for (int64_t i = 0; i < steps; ++i) {
    const double sigma = 40 * std::pow(0.02 / 40, static_cast<double>(i) / std::max<int64_t>(1, steps - 1));
    char caption[96];
    std::snprintf(caption, sizeof caption, "sigma %.3g, log-SNR %.1f, t %d of 1000", sigma, -2 * std::log(sigma),
                  static_cast<int>(1000 - 990 * i / steps));
    film.step_captions.emplace_back(caption);
    film.panels[0].steps.push_back((clean + sigma * noise) / std::sqrt(1 + sigma * sigma));
    film.panels[1].steps.push_back(clean * (1 / (1 + 0.3 * sigma)));
    film.panels[2].steps.push_back(noise + 0.05 * clean);
    film.panels[3].steps.push_back(i < 2 ? Tensor() : noise);
    film.panels[4].steps.push_back(i < 2 ? Tensor() : 0.05 * clean);
  }
  return film;
}

Plot profile_plot() {
  Plot plot;
  plot.title = "What the prompt added, by noise level";
  plot.description = "Guidance information of two prompts per unit of log-SNR, with 95 % bands.";
  plot.x = {.label = "log-SNR of the noise level"};
  plot.y = {.label = "information per unit of log-SNR", .unit = "nats"};
  plot.second_x = SecondAxis{"timestep t", "", {}};
  Series one{"a red circle to the left of a blue square", {}, {}}, two{"two words < & \"hostile\"", {}, {}};
  for (int i = 0; i <= 40; ++i) {
    const double x = -8 + 0.35 * i;
    plot.second_x->mapping.emplace_back(x, 1000 / (1 + std::exp(0.6 * x)));
    const double a = 0.8 * std::exp(-0.5 * std::pow((x + 3.2) / 1.1, 2)) + 0.02,
                 b = 0.5 * std::exp(-0.5 * std::pow((x + 1) / 1.6, 2));
    one.x.push_back(x), one.y.push_back(a), one.low.push_back(0.85 * a), one.high.push_back(1.15 * a);
    two.x.push_back(x), two.y.push_back(b), two.low.push_back(0.7 * b), two.high.push_back(1.3 * b);
  }
  plot.series = {one, two};
  plot.windows = {{-4.4, -2.0, "guidance on"}};
  plot.rules = {{true, -3.2, "half-point"}, {false, 0.6, "floor"}};
  return plot;
}

Plot curves_plot() {
  Plot plot{.title = "Learning curves", .description = "Loss over images seen."};
  plot.x.label = "images seen";
  plot.y = {.label = "loss; 1 knows nothing", .log = true};
  Series train{"training", {}, {}}, validation{"validation, averaged weights", {}, {}};
  for (int i = 1; i <= 60; ++i) {
    train.x.push_back(800.0 * i), train.y.push_back(0.03 + 0.9 / i + 0.01 * std::sin(9.0 * i));
    if (i % 10 == 0) validation.x.push_back(800.0 * i), validation.y.push_back(0.028 + 0.8 / i);
  }
  plot.series = {train, validation};
  return plot;
}

Plot bars_plot() {
  Plot plot{.title = "Scene accuracy by attribute", .description = "Accuracy of four attributes."};
  plot.y = {.label = "share of pictures", .min = 0, .max = 1};
  plot.categories = {"both shapes", "both colours", "sides", "background"};
  plot.series = {{"s = 1", {}, {0.7, 0.82, 0.9, 0.95}, {0.66, 0.78, 0.87, 0.93}, {0.74, 0.85, 0.93, 0.97}},
                 {"s = 3", {}, {0.95, 0.97, 0.99, 1.0}, {0.92, 0.95, 0.97, 0.98}, {0.97, 0.98, 1, 1}},
                 {"never trained on", {}, {0.55, 0.8, 0.85, 0.97}, {0.5, 0.75, 0.8, 0.94}, {0.6, 0.84, 0.89, 0.98}}};
  plot.rules = {{false, 0.25, "chance"}};
  return plot;
}

Image font_sheet() {
  Canvas canvas(980, 520);
  int64_t y = 10;
  for (const double size : {10.0, 11.0, 12.0, 13.0, 15.0, 20.0, 28.0}) {
    for (const bool bold : {false, true}) {
      const TextStyle style{.size_px = size, .bold = bold};
      canvas.text(12, y,
                  "The quick brown fox jumps over the lazy dog, 0123456789 \u03c3 = 3.14 x\u0302\u2080 x\u209c \u03b5",
                  style);
      y += line_height(style);
    }
  }
  const TextStyle style{.size_px = 20};
  canvas.text(12, y + 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz", style);
  canvas.text(
      12, y + 36,
      "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ "
      "\u03b1\u03bb\u0394\u2212\u00d7\u00b1\u00b7\u2026\u2013\u2014\u2192\u221e\u00b0 10\u207b\u2077 x\u00b2 \u00e9",
      style);
  draw_colour_bar(canvas, 12, y + 76, 300, {ColourMap::sequential, {0, 1.25e-3}, "information (nats a pixel)"});
  draw_colour_bar(canvas, 360, y + 76, 300, {ColourMap::diverging, {-2.5, 2.5}, "difference"});
  return std::move(canvas).image();
}

TEST(Gallery, HoldsOneOfEveryKind) {
  const std::filesystem::path out = folder();
  write_png(out / "font.png", font_sheet());
  const Tensor images = scenes(7);
  const std::vector<std::string> captions(7, "a red circle to the left of a blue square on a gray ground, twice");
  write_png(out / "grid.png",
            image_grid(images, captions, {.columns = 4},
                       {Mark::right, Mark::wrong, Mark::none, Mark::right, Mark::right, Mark::wrong, Mark::right},
                       "Samples at s = 3"));
  const Film film = made_up_film(24);
  const std::vector<Image> frames = film_frames(film);
  write_png(out / "frame.png", frames[10]);
  write_png(out / "strip.png", film_strip(film));
  for (const char* name : {"film.gif", "film.apng", "film.webp"}) write_animation(out / name, frames);
  write_file_atomic(out / "profile.svg", render_svg(profile_plot()));
  write_file_atomic(out / "curves.svg", render_svg(curves_plot()));
  write_file_atomic(out / "bars.svg", render_svg(bars_plot()));

  Report report{"Noisescope demo", "A text-to-image model trained on this machine in four minutes.", {}};
  report.sections.push_back(
      {"Result",
       "Of 512 unseen prompts, 497 pictures show what was asked for.\n\nSecond paragraph <script>alert(1)</script>.",
       {{"Scene accuracy", "97.1 %", "95 % interval 95.2 to 98.3 %, n = 512",
         "Share of pictures in which everything is right."},
        {"Training", "48 200 images", "220 images/s", "What the model has seen."},
        {"Zero-shot", "1.00", "n = 512", "How often the small CLIP finds the caption."}},
       {png_figure(image_grid(images, captions, {.columns = 4}), "Seven samples", "Samples at guidance 3."),
        film_figure(film_strip(film), encode_animation("webp", frames), "image/webp", "A trajectory",
                    "From noise to picture.")},
       {{"Accuracy over guidance", {"s", "accuracy", "n"}, {{"1", "0.70", "128"}, {"3", "0.97", "128"}}}},
       "steps: 20\nguidance: 3"});
  report.sections.push_back(
      {"Learning",
       "How the loss fell.",
       {},
       {svg_figure(render_svg(curves_plot()), "Loss over images."),
        svg_figure(render_svg(profile_plot()), "Information."), svg_figure(render_svg(bars_plot()), "Attributes.")},
       {}});
  write_file_atomic(out / "report.html", to_html(report));
  EXPECT_GT(std::filesystem::file_size(out / "report.html"), 1000U);
}

}  // namespace
}  // namespace noisescope
