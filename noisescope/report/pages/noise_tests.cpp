#include "noisescope/explain/noise_tests.h"

#include "noisescope/core/format.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kNoiseProse =
    "Is the noise noise? The first noise, and what a stochastic solver injects, are tested against independent "
    "standard normal pixels; small corrected p-values would mean a pattern. The noise that the network "
    "predicts is no such noise, however good the network: it is a mean over what is possible, so its size "
    "falls below 1 where noise and picture cannot be told apart. Its curve is shown, not tested against noise.";

}  // namespace

Page noise_tests_page(const PageContext& context) {
  const auto& found = context.answer.as<NoiseOfTrajectory>();
  Page out{{"Is the noise noise?", kNoiseProse, {}, {}, {}, {}}};
  Table table{
      "p-values of all pictures together, corrected for the number of tests (Holm); below 0.05 there is a "
      "pattern.",
      {"test", "first noise"},
      {}};
  if (found.injected) table.header.push_back("injected noise");
  for (size_t t = 0; t < found.first.names.size(); ++t) {
    const auto p_of = [&](const NoiseTests& tests) { return tests.corrected[static_cast<int64_t>(t)].item<double>(); };
    const std::string& name = found.first.names[t];
    std::vector<std::string> row = {name, format_text("{:.3f}", p_of(found.first))};
    out.json["first_noise"][name] = p_of(found.first);
    if (found.injected) {
      row.push_back(format_text("{:.3f}", p_of(*found.injected)));
      out.json["injected_noise"][name] = p_of(*found.injected);
    }
    table.rows.push_back(std::move(row));
  }
  out.section.tables.push_back(std::move(table));
  Plot plot;
  plot.title = "Size of the predicted noise";
  plot.description = "Root mean square of the predicted noise over the noise level.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "root mean square";
  plot.second_x = timestep_axis(context.subject.model.schedule);
  plot.rules = {{false, 1, "true noise"}};
  plot.series = {mean_series("with prompt", found.log_snrs, found.predicted_size),
                 mean_series("without", found.log_snrs, found.predicted_size_unprompted)};
  out.add_svg("predicted_noise.svg", render_svg(plot), "Mean and 95 % interval over the pictures.");
  return out;
}

}  // namespace noisescope::report
