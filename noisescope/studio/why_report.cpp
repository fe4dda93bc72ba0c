#include "noisescope/studio/why_report.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/stats/estimate.h"
#include "noisescope/studio/evidence_json.h"
#include "noisescope/viz/panels.h"

namespace noisescope::studio {
namespace {

Tensor map_of(const EvidenceWindows& windows) { return windows.map(0, windows.edges.size() - 1); }

std::string estimate_text(const Tensor& of_paths) {
  const Tensor finite = of_paths.masked_select(of_paths.isfinite());
  if (finite.numel() < 2) return finite.numel() ? format_text("{:.2f}", finite.item<double>()) : "never";
  const Estimate e = mean_estimate(finite);
  return format_text("{:.2f} [{:.2f}, {:.2f}]", e.value, e.low, e.high);
}

/// "7 and 8": the states of the branch between which a word was half decided; "" where there are none.
std::string states_around(const Branch& branch, const Tensor& half_points) {
  const Tensor finite = half_points.masked_select(half_points.isfinite());
  if (!finite.numel()) return "";
  const double half = finite.mean().item<double>();
  const auto is_cleaner = [&](double sigma) { return sigma <= 0 || log_snr_of(sigma) >= half; };
  const auto found = std::find_if(branch.sigmas.begin(), branch.sigmas.end(), is_cleaner);
  const auto state = found - branch.sigmas.begin();
  return state == 0 ? "" : format_text("{} and {}", state - 1, state);
}

Table word_table(const Why& why, const Branch& branch) {
  Table table{"The words, with 95 % intervals over the paths",
              {"word", "decided, nats", "of at most", "half decided at log-SNR", "between states"},
              {}};
  for (const WhyWord& word : why.words) {
    const Evidence& evidence = word.model.whole;
    table.rows.push_back({word.contrast.name, estimate_text(evidence.realised_total()),
                          format_text("{:.2f}", std::log(static_cast<double>(word.contrast.values.size()))),
                          estimate_text(evidence.half_points()), states_around(branch, evidence.half_points())});
  }
  return table;
}

/// The picture and the map of each word by one source, on one scale.
PanelRow map_row(const Why& why, bool is_truth, double largest) {
  PanelRow row{is_truth ? "truth" : "model", {picture_panel(why.image, "picture")}};
  for (const WhyWord& word : why.words) {
    const EvidenceWindows& windows = is_truth ? *word.truth : word.model;
    row.panels.push_back(signed_panel(map_of(windows).mean(0), word.contrast.name, "nats per pixel", largest));
  }
  return row;
}

Image maps_image(const Why& why) {
  double largest = 0;
  for (const WhyWord& word : why.words) {
    largest = std::max(largest, map_of(word.model).mean(0).abs().max().item<double>());
  }
  std::vector<PanelRow> rows = {map_row(why, false, largest)};
  if (why.words.front().truth) rows.push_back(map_row(why, true, largest));
  return panel_rows(rows);
}

void add_arrays(TensorFile& file, const std::string& name, const EvidenceWindows& windows) {
  file.tensors[name + "/map"] = mean_and_half(map_of(windows)).to(torch::kFloat32).contiguous();
  file.tensors[name + "/decision"] = mean_and_half(windows.whole.decision().t()).to(torch::kFloat32).contiguous();
}

}  // namespace

Section why_section(const Why& why, const Branch& branch) {
  Section section{format_text("Why is this here? Noise {} of \"{}\"", why.picture, branch.prompt),
                  format_text("Evidence of each word over {} noising paths of the picture.", why.paths)};
  section.tables = {word_table(why, branch)};
  section.figures = {png_figure(maps_image(why), "Maps of the words beside the picture",
                                "Which pixels spoke for each word (red) or against it (blue).")};
  return section;
}

TensorFile why_arrays(const Why& why) {
  TensorFile file;
  file.metadata = {{"picture", std::to_string(why.picture)}, {"paths", std::to_string(why.paths)}};
  file.tensors["log_snrs"] = torch::tensor(why.words.front().model.whole.log_snrs, torch::kFloat64);
  for (const WhyWord& word : why.words) {
    add_arrays(file, word.contrast.name + "/model", word.model);
    if (word.truth) add_arrays(file, word.contrast.name + "/truth", *word.truth);
  }
  return file;
}

}  // namespace noisescope::studio
