#include "noisescope/explain/guidance_windows.h"

#include "noisescope/core/format.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::report {
namespace {

constexpr const char* kWindowsProse =
    "The run is cut into windows of noise levels, and drawn again with the prompt heard in some of them only, "
    "all noise the same. Knock-out: what is lost when one window is left out. Shapley: what a window adds, "
    "averaged over all orders of adding windows; the values sum to what the whole prompt did. Two values of a "
    "picture: its likeness to the picture drawn with the whole prompt (1 = that picture, 0 = as far from it "
    "as without prompt), and how well it fits the prompt in the eyes of the run's CLIP, which also rewards "
    "painting over at the end; on the two-object world also whether the exact parser finds the prompt true of it. "
    "On the exact world, with the prompt planted in one window, all of both lies "
    "inside it.";

/// One bar a window: the mean over pictures of values [B, K] with its interval.
Series bars(const std::string& name, const Tensor& values) {
  Series series{name, {}, {}};
  for (const Tensor& window : values.unbind(1)) {
    const Estimate e = mean_estimate(window);
    series.y.push_back(e.value);
    series.low.push_back(e.low);
    series.high.push_back(e.high);
  }
  return series;
}

std::string window_plot(const std::string& value, const WindowAttribution& a) {
  Plot plot;
  plot.title = "Which noise levels the prompt worked at: " + value;
  plot.description = "Shapley values and knock-out effects of windows of the noise level.";
  plot.x.label = "window of log-SNR (left: all noise, right: clean)";
  plot.y.label = value;
  for (int64_t k = 0; k < a.windows.count(); ++k) {
    const auto edge = [&](int64_t i) { return std::round(10 * a.windows.edges[size_t(i)]) / 10 + 0.0; };
    plot.categories.push_back(format_text("{:.1f} to {:.1f}", edge(k), edge(k + 1)));  // + 0.0: no "-0.0"
  }
  plot.series = {bars("Shapley value", a.shapley.phi), bars("knock-out", a.knock_out.effect),
                 bars("alone", a.knock_out.alone)};
  plot.rules = {{false, 0, ""}};
  return render_svg(plot);
}

/// What a value is called in figures.
std::string title_of(const std::string& value) {
  if (value == "likeness") return "likeness to the guided picture";
  if (value == "fit") return "fit to the prompt (score of the reader)";
  return "prompt satisfied (exact parser)";
}

}  // namespace

Page guidance_windows_page(const PageContext& context) {
  const auto& found = context.answer.as<Named<WindowAttribution>>();
  Page out{{"Where the prompt works", kWindowsProse, {}, {}, {}, {}}};
  for (size_t v = 0; v < found.names.size(); ++v) {
    const WindowAttribution& value = found.answers[v];
    nlohmann::ordered_json& json = out.json[found.names[v]];
    json["edges_log_snr"] = value.windows.edges;
    for (const Tensor& phi : value.shapley.phi.unbind(1)) json["shapley"].push_back(to_json(mean_estimate(phi)));
    for (const Tensor& effect : value.knock_out.effect.unbind(1)) {
      json["knock_out"].push_back(to_json(mean_estimate(effect)));
    }
    out.add_svg("windows_" + found.names[v] + ".svg", window_plot(title_of(found.names[v]), value),
                format_text("Means over {} pictures with 95 % intervals.", value.shapley.phi.size(0)));
  }
  return out;
}

}  // namespace noisescope::report
