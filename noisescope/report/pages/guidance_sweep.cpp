#include "noisescope/explain/guidance_sweep.h"

#include "noisescope/core/format.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::report {
namespace {

constexpr const char* kSweepProse =
    "The same noise drawn at several guidance scales: by how much is the energy of each spatial frequency multiplied?";

std::string sweep_plot(const GuidanceSweep& sweep) {
  Plot plot;
  plot.title = "What guidance amplifies";
  plot.description = "Energy of each band of spatial frequency over that at scale 1.";
  plot.x.label = "band of spatial frequency (0: coarsest)";
  plot.y.label = "energy over that at scale 1";
  plot.y.log = true;
  std::vector<double> bands;
  for (int64_t r = 0; r < sweep.gain.size(2); ++r) bands.push_back(double(r));
  for (size_t g = 0; g < sweep.scales.size(); ++g) {
    plot.series.push_back(
        mean_series(format_text("scale {:g}", sweep.scales[g]), bands, sweep.gain[int64_t(g)].t(), {1e-3, 1e6}));
  }
  plot.rules = {{false, 1, "scale 1"}};
  return render_svg(plot);
}

}  // namespace

Page guidance_sweep_page(const PageContext& context) {
  const auto& sweep = context.answer.as<GuidanceSweep>();
  Page out{{"What more guidance amplifies", kSweepProse, {}, {}, {}, {}}};
  for (size_t g = 0; g < sweep.scales.size(); ++g) {
    nlohmann::ordered_json json = {{"scale", sweep.scales[g]}};
    for (const Tensor& band : sweep.gain[int64_t(g)].unbind(1)) json["gain"].push_back(to_json(mean_estimate(band)));
    out.json["scales"].push_back(std::move(json));
  }
  out.add_svg("guidance_sweep.svg", sweep_plot(sweep),
              "Means over pictures with 95 % intervals; the same noise at every scale.");
  return out;
}

}  // namespace noisescope::report
