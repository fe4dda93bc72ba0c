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

/// The maps of one word by model and exact denoiser, on one colour scale; signed where one says against it.
std::vector<Panel> map_panels(const WordEvidence& word) {
  const Tensor model = word.model.map().mean(0);
  const Tensor exact = word.exact ? word.exact->map().mean(0) : model;
  const double largest = std::max(1e-9, torch::stack({model, exact}).abs().max().item<double>());
  const bool against = model.sum().item<double>() < 0 || exact.sum().item<double>() < 0;
  const auto panel = [&](const Tensor& map, const char* caption) {
    return (against ? signed_panel : map_panel)(map, caption, "nats per pixel", largest);
  };
  std::vector<Panel> panels = {panel(model, "evidence by the model")};
  if (word.exact) panels.push_back(panel(exact, "by the exact denoiser"));
  return panels;
}

}  // namespace

Image evidence_maps(const Tensor& picture, const std::vector<WordEvidence>& words) {
  std::vector<PanelRow> rows;
  for (const WordEvidence& word : words) {
    PanelRow row{title_of(word.contrast), {picture_panel(picture, "the picture")}};
    for (Panel& panel : map_panels(word)) row.panels.push_back(std::move(panel));
    if (word.mask.defined()) row.panels.push_back(mask_panel(word.mask, "what would change"));
    rows.push_back(std::move(row));
  }
  return panel_rows(rows);
}

std::string decision_curves(const std::vector<WordEvidence>& words, Teller teller, const ScheduleOptions& schedule) {
  Plot plot;
  plot.title = teller == Teller::model     ? "When each word was decided"
               : teller == Teller::claimed ? "The same as the model claims it"
                                           : "The same by the exact denoiser";
  plot.description =
      "Probability of each word, given the picture down to a noise level; noise falls "
      "from left to right.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "P(word | picture so far)";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(schedule);
  for (const WordEvidence& word : words) {
    const Evidence e = teller == Teller::exact   ? word.exact.value()
                       : teller == Teller::model ? word.model
                                                 : word.model.as_claimed();
    plot.series.push_back(mean_series(word.contrast.name, e.log_snrs, e.decision(), {0, 1}));
  }
  return render_svg(plot);
}

std::string reliability_diagram(const Calibration& calibration) {
  Plot plot;
  plot.title = "How reliable the probabilities of words are";
  plot.description =
      "Share of the versions that were true over the probability that they were given, on held-out pictures; on the "
      "diagonal the probabilities come true.";
  plot.x.label = "P(word | picture so far)";
  plot.y.label = "share that was true";
  plot.x.min = plot.y.min = 0;
  plot.x.max = plot.y.max = 1;
  plot.series.push_back({"where they come true", {0, 1}, {0, 1}});
  const auto add = [&](const char* name, const std::vector<ReliabilityBin>& bins) {
    Series series{name, {}, {}};
    series.markers = true;
    for (const ReliabilityBin& bin : bins) {
      series.x.push_back(bin.claimed);
      series.y.push_back(bin.share);
      series.low.push_back(bin.low);
      series.high.push_back(bin.high);
    }
    if (!bins.empty()) plot.series.push_back(std::move(series));
  };
  add("as claimed", calibration.as_claimed);
  add("calibrated", calibration.calibrated);
  return render_svg(plot);
}

}  // namespace noisescope::report
