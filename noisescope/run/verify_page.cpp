#include "noisescope/run/verify_page.h"

#include <algorithm>

#include "noisescope/run/text_of.h"
#include "noisescope/viz/canvas.h"
#include "noisescope/viz/image_grid.h"
#include "noisescope/viz/report.h"

namespace noisescope {
namespace {

constexpr int64_t kScale = 5, kGap = 16, kCaption = 20;

std::vector<std::string> cells_of(const VerifyRow& row) {
  const Estimate& m = row.measured;
  return {row.pass() ? "holds" : "FALLS SHORT",
          row.subject,
          row.figure,
          text_of("%s %.4g", to_string(row.direction).c_str(), row.bar),
          text_of("%.4g", m.value),
          text_of("%.4g to %.4g", m.low, m.high),
          text_of("%lld", static_cast<long long>(m.n)),
          text_of("%.1f %%", 100 * row.reversal_chance())};
}

Figure figure_of(const VerifyPicture& p) {
  const int64_t cell = p.picture.size(1) * kScale;
  Canvas canvas(3 * (cell + kGap) + kGap, cell + kCaption + color_bar_height() + 2 * kGap);
  const ValueRange range{0, std::max(1e-9, p.map.max().item<double>())};
  const auto panel = [&](int64_t column, const Image& image, const char* caption) {
    const int64_t x = kGap + column * (cell + kGap);
    canvas.picture(x, kGap, image, kScale);
    canvas.text(x, kGap + cell + 3, caption, {.size_px = 12}, Ink::kMuted);
    return x;
  };
  panel(0, to_image(p.picture.to(torch::kFloat32)), "the picture");
  const int64_t x = panel(1, color_image(p.map, ColorMap::sequential, range), "the map");
  draw_color_bar(canvas, x, kGap + cell + kCaption, cell, ColorMap::sequential, range, "nats a pixel");
  panel(2, color_image(p.truth.to(torch::kFloat32), ColorMap::sequential, {0, 1}), "the truth");
  return png_figure(std::move(canvas).image(), p.title, p.title + " (the first picture, unselected).");
}

/// Methods in the order of their first row.
std::vector<std::string> methods_of(const Verification& verification) {
  std::vector<std::string> methods;
  for (const VerifyRow& row : verification.rows) {
    if (std::find(methods.begin(), methods.end(), row.method) == methods.end()) {
      methods.push_back(row.method);
    }
  }
  return methods;
}

}  // namespace

std::string verify_page(const Verification& verification, const std::string& command_line) {
  const auto held = std::count_if(verification.rows.begin(), verification.rows.end(),
                                  [](const VerifyRow& row) { return row.pass(); });
  Report report{"Explanations against the truth",
                text_of("%lld of %zu rows hold, measured in %.0f s", static_cast<long long>(held),
                        verification.rows.size(), verification.seconds) +
                    (verification.options.full ? ", with the n of the bars." : ", with a reduced n.") +
                    (verification.options.defect.empty()
                         ? ""
                         : " A defect is planted: " + verification.options.defect + "."),
                {}};
  for (const std::string& method : methods_of(verification)) {
    Section section{method, "", {}, {}, {}, {}};
    Table table{"A row holds when its value meets the bar; the last column says how often other seeds "
                "would turn the verdict.",
                {"verdict", "subject", "figure", "bar", "value", "95 % interval", "n", "reversal"}, {}};
    for (const VerifyRow& row : verification.rows) {
      if (row.method == method) table.rows.push_back(cells_of(row));
    }
    section.tables.push_back(std::move(table));
    for (const VerifyPicture& picture : verification.pictures) {
      if (picture.method == method) section.figures.push_back(figure_of(picture));
    }
    report.sections.push_back(std::move(section));
  }
  if (!command_line.empty() && !report.sections.empty()) {
    report.sections.back().prose += "Made by: " + command_line;
  }
  return to_html(report);
}

}  // namespace noisescope
