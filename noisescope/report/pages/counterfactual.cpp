#include "noisescope/explain/counterfactual.h"

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/viz/panels.h"

namespace noisescope::report {
namespace {

constexpr const char* kCounterfactualProse =
    "The same noise, one word of the prompt changed: what changes in the picture was caused by the word. The "
    "table counts, over all pictures of the prompt, in how many each factor of the picture changed; for a "
    "model that keeps words apart only the factor that the word names does.";

/// Share of pictures in which each factor changed, among those that can be read before and after.
std::vector<std::string> changed_factors(const Tensor& before, const Tensor& after) {
  std::vector<std::string> cells;
  const Tensor readable = (before >= 0).logical_and(after >= 0);
  const Tensor changed = (before != after).logical_and(readable);
  for (int64_t f = 0; f < before.size(1); ++f) {
    const auto n = readable.select(1, f).sum().item<int64_t>();
    if (n == 0) {
      cells.push_back("unreadable");
      continue;
    }
    const Estimate share = wilson(changed.select(1, f).sum().item<int64_t>(), n);
    cells.push_back(format_text("{:.0f} % [{:.0f}, {:.0f}]", 100 * share.value, 100 * share.low, 100 * share.high));
  }
  return cells;
}

}  // namespace

Page counterfactual_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& found = context.answer.as<Named<Counterfactual>>();
  Page out{{"What would be different", kCounterfactualProse, {}, {}, {}, {}}};
  const bool read = !subject.factors.factors.empty();
  Table table{
      "Share of pictures in which a factor changed, with 95 % intervals; read by " + subject.factors.reader + ".",
      {"word changed"},
      {}};
  for (const Factor& factor : subject.factors.factors) table.header.push_back(factor.name);
  std::vector<PanelRow> rows;
  for (size_t k = 0; k < found.names.size(); ++k) {
    const Counterfactual& one = found.answers[k];
    rows.push_back({found.names[k],
                    {picture_panel(subject.picture, "as prompted"), picture_panel(one.altered[0].cpu(), found.names[k]),
                     map_panel(one.change[0], "what changed", "squared change, sum of channels")}});
    out.json["changes"].push_back({{"word", subject.contrasts[k].name},
                                   {"change", found.names[k]},
                                   {"mean_squared_change", to_json(mean_estimate(one.change.mean({1, 2})))}});
    if (!read) continue;
    std::vector<std::string> cells =
        changed_factors(subject.factors.read(one.pictures), subject.factors.read(one.altered));
    cells.insert(cells.begin(), found.names[k]);
    table.rows.push_back(std::move(cells));
  }
  if (read) out.section.tables.push_back(std::move(table));
  out.add_png("counterfactual.png", panel_rows(rows), "Pictures before and after a word was changed",
              "The first picture; same noise in both columns.");
  return out;
}

}  // namespace noisescope::report
