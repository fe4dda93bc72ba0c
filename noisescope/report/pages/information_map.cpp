#include "noisescope/explain/information_map.h"

#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/viz/panels.h"

namespace noisescope::report {
namespace {

constexpr const char* kInformationProse =
    "The information identity (Kong et al. 2024): half the squared difference of the noises predicted with "
    "the full prompt and with a reference, over all noise levels, on noisy versions of this picture. The "
    "reference is no prompt, or the prompt with one word left open. The signed form compares the errors of "
    "both predictions instead, has the same mean, and may be negative. Words are asked one at a time; their "
    "numbers do not add up to the whole.\n\nFor an exact denoiser these are nats. A trained network's errors "
    "at low noise are multiplied by the signal-to-noise ratio, and its totals can exceed what a prompt can "
    "say at all: the bound stands beside every number. kappa is the weight of guidance that fits best at a "
    "level: 1 for an exact denoiser, below it the network overclaims. Where a total exceeds its bound, trust "
    "evidence filtering.";

std::string rate_curves(const Subject& subject, const std::vector<InformationQuestion>& questions,
                        const InformationMaps& maps) {
  Plot plot;
  plot.title = "Information by noise level";
  plot.description = "Nats per unit of log-SNR, for the prompt and for each word.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "information per unit of log-SNR";
  plot.y.unit = "nats";
  plot.second_x = timestep_axis(subject.model.schedule);
  std::vector<double> middle;
  for (size_t i = 1; i < maps.edges.size(); ++i) {
    middle.push_back((maps.edges[i - 1] + maps.edges[i]) / 2);
  }
  const double width = maps.edges[1] - maps.edges[0];
  for (size_t r = 0; r < questions.size(); ++r) {
    plot.series.push_back(
        mean_series(questions[r].name, middle, maps.profile[static_cast<int64_t>(r)] / width, {0, 1e300}));
  }
  return render_svg(plot);
}

Image information_panels(const Subject& subject, const std::vector<InformationQuestion>& questions,
                         const InformationMaps& maps) {
  std::vector<PanelRow> rows;
  for (size_t r = 0; r < questions.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    rows.push_back(
        {questions[r].name,
         {picture_panel(subject.picture, "the picture"), map_panel(maps.map[at].mean(0), "information", "nats a pixel"),
          signed_panel(maps.signed_map[at].mean(0), "signed", "nats a pixel")}});
  }
  return panel_rows(rows);
}

}  // namespace

Page information_map_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& maps = context.answer.as<InformationMaps>();
  const std::vector<InformationQuestion> questions = information_questions(subject);
  Page out{{"How many nats the prompt and its words say", kInformationProse, {}, {}, {}, {}}};
  Table table{
      "A total above its bound is impossible: there the network overclaims.",
      {"what", "information (nats)", "95 % interval", "signed (nats)", "bound (nats)", "median kappa", "verdict"},
      {}};
  for (size_t r = 0; r < questions.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    const Estimate total = mean_estimate(maps.total()[at]);
    const Estimate signed_total = mean_estimate(maps.signed_total()[at]);
    const double kappa = std::get<0>(maps.kappa[at].nanmedian(0)).item<double>();
    const double bound = questions[r].bound;
    const bool over = bound > 0 && total.low > bound;
    out.json["questions"].push_back({{"what", questions[r].name},
                                     {"reference", questions[r].reference},
                                     {"information_nats", to_json(total)},
                                     {"signed_nats", to_json(signed_total)},
                                     {"median_kappa", kappa},
                                     {"bound_nats", bound},
                                     {"exceeds_bound", over}});
    table.rows.push_back({questions[r].name, format_text("{:.2f}", total.value), interval_text(total),
                          format_text("{:.2f}", signed_total.value),
                          bound > 0 ? format_text("{:.2f}", bound) : "unknown", format_text("{:.2f}", kappa),
                          over ? "overclaims: trust the evidence" : "possible"});
  }
  out.section.tables.push_back(std::move(table));
  out.add_png("information.png", information_panels(subject, questions, maps),
              "Information maps of the prompt and of each word", "Mean over the noise draws.");
  out.add_svg("information_rate.svg", rate_curves(subject, questions, maps),
              "Mean and 95 % interval over independent sets of draws.");
  return out;
}

}  // namespace noisescope::report
