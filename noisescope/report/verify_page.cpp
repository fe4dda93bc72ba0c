#include "noisescope/report/verify_page.h"

#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/viz/panels.h"
#include "noisescope/viz/report.h"

namespace noisescope::report {
namespace {

std::vector<std::string> cells_of(const VerifyRow& row) {
  const Estimate& m = row.measured;
  const bool reported = row.direction == Direction::reported;
  return {!row.pass() ? "FALLS SHORT"
          : reported  ? "reported"
                      : "holds",
          row.subject,
          row.figure,
          bar_text(row),
          format_text("{:.4g}", m.value),
          format_text("{:.4g} to {:.4g}", m.low, m.high),
          format_text("{}", m.n),
          format_text("{:.1f} %", 100 * row.reversal_chance())};
}

Figure figure_of(const VerifyPicture& p) {
  const Image image = panel_rows({{"",
                                   {picture_panel(p.picture, "the picture"),
                                    map_panel(p.map, "the map", "nats a pixel"), mask_panel(p.truth, "the truth")}}});
  return png_figure(image, p.title, p.title + " (the first picture, unselected).");
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
  Report report{
      "Explanations against the truth",
      format_text("{} of {} rows hold, measured in {:.0f} s", held, verification.rows.size(), verification.seconds) +
          (verification.options.full ? ", with the n of the bars." : ", with a reduced n.") +
          (verification.options.defect.empty() ? "" : " A defect is planted: " + verification.options.defect + "."),
      {}};
  for (const std::string& method : methods_of(verification)) {
    Section section{method, "", {}, {}, {}, {}};
    Table table{
        "A row holds when its value meets the bar; the last column says how often other seeds "
        "would turn the verdict.",
        {"verdict", "subject", "figure", "bar", "value", "95 % interval", "n", "reversal"},
        {}};
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

}  // namespace noisescope::report
