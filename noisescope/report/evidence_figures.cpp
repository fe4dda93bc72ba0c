#include "noisescope/report/evidence_figures.h"

#include <algorithm>
#include <cmath>

#include "noisescope/report/figures.h"
#include "noisescope/viz/panels.h"
#include "noisescope/viz/plot.h"

namespace noisescope::report {
namespace {

std::string title_of(const PromptContrast& contrast) {
  std::string title = contrast.name + " against";
  for (const std::string& value : contrast.values) {
    if (value != contrast.values[static_cast<size_t>(contrast.true_version)]) title += " " + value;
  }
  return title;
}

}  // namespace

Image evidence_maps(const Tensor& picture, const std::vector<WordEvidence>& words) {
  const std::string unit = "nats per pixel";
  std::vector<PanelRow> rows;
  for (const WordEvidence& word : words) {
    const Tensor map = word.model.compensated.mean(0);
    Tensor largest = map.max();
    if (word.exact) largest = torch::maximum(largest, word.exact->compensated.mean(0).max());
    const double end = largest.item<double>();
    PanelRow row{title_of(word.contrast),
                 {picture_panel(picture, "the picture"), map_panel(map, "evidence by the model", unit, end)}};
    if (word.exact) {
      row.panels.push_back(map_panel(word.exact->compensated.mean(0), "by the exact denoiser", unit, end));
    }
    if (word.mask.defined()) row.panels.push_back(mask_panel(word.mask, "what would change"));
    rows.push_back(std::move(row));
  }
  return panel_rows(rows);
}

std::string decision_curves(const std::vector<WordEvidence>& words, Teller teller, const ScheduleOptions& schedule) {
  Plot plot;
  const bool model = teller == Teller::model;
  plot.title = model ? "When each word was decided" : "The same by the exact denoiser";
  plot.description =
      "Probability of each word, given the picture down to a noise level; noise falls "
      "from left to right.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "P(word | picture so far)";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(schedule);
  for (const WordEvidence& word : words) {
    const Evidence& e = model ? word.model : word.exact.value();
    plot.series.push_back(mean_series(word.contrast.name, e.log_snrs, e.decision(), {0, 1}));
  }
  return render_svg(plot);
}

}  // namespace noisescope::report
