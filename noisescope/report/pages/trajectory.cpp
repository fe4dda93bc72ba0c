#include "noisescope/explain/trajectory_geometry.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

constexpr const char* kTrajectoryProse =
    "The run as a path: how much of it lies in the plane of its first noise and its last picture (1 for a "
    "plain rotation from one to the other, Wang & Vastola 2023; stochastic solvers leave the plane), how far "
    "it has turned, how fast its clean estimate still changes, and from which level on each pixel stays as it "
    "ends: its commitment.";

Explained explain_trajectory(const ExplainContext& context) {
  const TrajectoryGeometry g = trajectory_geometry(context.run.steps, context.run.pictures);
  Explained out{{"The path from noise to picture", kTrajectoryProse, {}, {}, {}, {}}};
  const Estimate plane = mean_estimate(g.plane_energy);
  out.section.numbers = {key_number("energy in the plane", plane, "", "share, 1 is a plain rotation")};
  out.json["plane_energy"] = to_json(plane);
  out.json["mean_commitment_log_snr"] = to_json(mean_estimate(g.commitment.mean({1, 2})));
  const auto plot = [&](const std::string& title, const std::string& y, const std::string& unit,
                        std::vector<double> x, const Tensor& values) {
    Plot p;
    p.title = title;
    p.description = title + ", over the noise level.";
    p.x.label = kLogSnrLabel;
    p.y.label = y;
    p.y.unit = unit;
    p.second_x = timestep_axis(context.config.precondition.schedule);
    p.series = {mean_series("", x, values, {0, 1e300})};
    return render_svg(p);
  };
  std::vector<double> between;
  for (size_t i = 1; i < g.log_snrs.size(); ++i) {
    between.push_back((g.log_snrs[i - 1] + g.log_snrs[i]) / 2);
  }
  out.add_svg("turn.svg", plot("How far the run has turned", "angle from the first noise", "degrees",
                               g.log_snrs, g.angle),
              "Mean and 95 % interval over the pictures.");
  out.add_svg("speed.svg", plot("How fast the clean estimate changes",
                                "change per unit of log-SNR", "pixel units", between, g.speed),
              "Where it is fast, the picture is being decided.");
  const Tensor& first = g.commitment[0];
  const ValueRange range = value_range(first);
  out.add_png("commitment.png",
              panel_rows({{"", {picture_panel(context.picture, "the picture"),
                                {color_image(first, ColorMap::sequential, range), "commitment",
                                 ColorBar{ColorMap::sequential, range, "log-SNR"}}}}}),
              "Commitment of each pixel", "Dark pixels were settled early, bright ones late.");
  out.tensors.tensors = {{"commitment", g.commitment}, {"angle", g.angle}, {"speed", g.speed}};
  return out;
}

}  // namespace

Explainer trajectory_explainer() {
  return {"trajectory", "What does the run look like as a path?", {.run = true},
          [](const ExplainContext&) { return int64_t{0}; }, explain_trajectory};
}

}  // namespace noisescope
