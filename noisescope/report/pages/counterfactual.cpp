#include "noisescope/report/pages/explainers.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

constexpr const char* kCounterfactualProse =
    "The same noise, one word of the prompt changed: what changes in the picture was caused by the word. The "
    "table counts, over all pictures of the prompt, in how many each factor of the picture changed; for a "
    "model that keeps words apart only the factor that the word names does.";

/// The next version after the own one.
size_t other_version(const PromptContrast& contrast) {
  return static_cast<size_t>(contrast.own + 1) % contrast.values.size();
}

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
    cells.push_back(text_of("%.0f %% [%.0f, %.0f]", 100 * share.value, 100 * share.low,
                            100 * share.high));
  }
  return cells;
}

Explained explain_counterfactual(const ExplainContext& context) {
  Explained out{{"What would be different", kCounterfactualProse, {}, {}, {}, {}}};
  const bool read = !context.factors.factors.empty();
  Table table{"Share of pictures in which a factor changed, with 95 % intervals; read by " +
                  context.factors.reader + ".", {"word changed"}, {}};
  for (const Factor& factor : context.factors.factors) table.header.push_back(factor.name);
  const Tensor before = read ? context.factors.read(context.run.pictures) : Tensor();
  std::vector<PanelRow> rows;
  for (const PromptContrast& contrast : context.contrasts) {
    const size_t k = other_version(contrast);
    const std::string change = contrast.word + " to " + contrast.values[k];
    const Tensor other = draw_again(context.model, context.run, contrast.prompts[k], context.control);
    const Tensor difference = (other - context.run.pictures).square().mean(1);
    rows.push_back({change, {picture_panel(context.picture, "as prompted"),
                             picture_panel(other[0], "with " + contrast.values[k]),
                             map_panel(difference[0], "what changed", "squared change")}});
    out.tensors.tensors["word" + std::to_string(rows.size() - 1) + ".pictures"] = other;
    out.json["changes"].push_back({{"word", contrast.word}, {"to", contrast.values[k]},
                                   {"mean_squared_change",
                                    to_json(mean_estimate(difference.mean({1, 2})))}});
    if (!read) continue;
    std::vector<std::string> cells = changed_factors(before, context.factors.read(other));
    cells.insert(cells.begin(), change);
    table.rows.push_back(std::move(cells));
  }
  if (read) out.section.tables.push_back(std::move(table));
  out.add_png("counterfactual.png", panel_rows(rows), "Pictures before and after a word was changed",
              "The first picture; same noise in both columns.");
  return out;
}

}  // namespace

Explainer counterfactual_explainer() {
  return {"counterfactual", "What would be different with another word?", {.run = true, .words = true},
          [](const ExplainContext& c) {
            return 2 * static_cast<int64_t>(c.contrasts.size()) * c.run.count() *
                   c.config.sample.grid.steps;
          },
          explain_counterfactual};
}

}  // namespace noisescope
