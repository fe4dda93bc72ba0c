#include "noisescope/explain/trajectory_geometry.h"

#include "noisescope/report/estimate_text.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/panels.h"

namespace noisescope::report {
namespace {

constexpr const char* kTrajectoryProse =
    "The sampling run, step by step: the noisy picture x_t as the model sees it, its estimate of the clean picture, "
    "the "
    "noise that it sees with the prompt, without it, and the difference of the two: what the prompt adds.\n\n"
    "The run as a path: how much of it lies in the plane of its first noise and its last picture (1 for a "
    "plain rotation from one to the other, Wang & Vastola 2023; stochastic solvers leave the plane), how far "
    "it has turned, how fast its clean estimate still changes, and from which level on each pixel stays as it "
    "ends: its commitment.";

/// The steps of the first picture, side by side and as a film.
void add_film(const Subject& subject, Page& out) {
  const Film film = trajectory_film(subject.trajectory.steps(), 0, subject.prompt, subject.model.schedule);
  out.add_film("film.gif", film_strip(film), encode_animation("gif", film_frames(film, 3)),
               "Steps of the sampling run of the picture", "Noise falls from left to right.");
}

}  // namespace

Page trajectory_geometry_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& g = context.answer.as<TrajectoryGeometry>();
  Page out{{"From noise to picture", kTrajectoryProse, {}, {}, {}, {}}};
  add_film(subject, out);
  const Estimate plane = mean_estimate(g.plane_energy);
  out.section.numbers = {key_number("energy in the plane", plane, "", "share, 1 is a plain rotation")};
  out.json["plane_energy"] = to_json(plane);
  out.json["mean_commitment_log_snr"] = to_json(mean_estimate(g.commitment.mean({1, 2})));
  const auto plot = [&](const std::string& title, const std::string& y, const std::string& unit, std::vector<double> x,
                        const Tensor& values) {
    Plot p;
    p.title = title;
    p.description = title + ", over the noise level.";
    p.x.label = kLogSnrLabel;
    p.y.label = y;
    p.y.unit = unit;
    p.second_x = timestep_axis(subject.model.schedule);
    p.series = {mean_series("", x, values, {0, 1e300})};
    return render_svg(p);
  };
  std::vector<double> between;
  for (size_t i = 1; i < g.log_snrs.size(); ++i) {
    between.push_back((g.log_snrs[i - 1] + g.log_snrs[i]) / 2);
  }
  out.add_svg("turn.svg",
              plot("How far the trajectory has turned", "angle from the first noise", "degrees", g.log_snrs, g.angle),
              "Mean and 95 % interval over the pictures.");
  out.add_svg(
      "speed.svg",
      plot("How fast the clean estimate changes", "change per unit of log-SNR", "pixel units", between, g.speed),
      "Where it is fast, the picture is being decided.");
  const Tensor& first = g.commitment[0];
  const ValueRange range = value_range(first);
  out.add_png("commitment.png",
              panel_rows({{"",
                           {picture_panel(subject.picture, "the picture"),
                            {colour_image(first, ColourMap::sequential, range), "commitment",
                             ColourBar{ColourMap::sequential, range, "log-SNR"}}}}}),
              "Commitment of each pixel", "Dark pixels were settled early, bright ones late.");
  return out;
}

}  // namespace noisescope::report
