#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kAnatomyProse =
    "The prompt's share of the network's estimate, D with prompt minus D without, step by step: how large it "
    "is; how much of it lies along the estimate itself (that part makes colours saturate; the rest changes "
    "the picture); which way it points compared with the noise predicted without prompt; and in which spatial "
    "frequencies it lies. Read off the run, no evaluations of its own.";

Plot over_steps(const Subject& subject, const std::string& title, const std::string& description,
                const std::string& y) {
  Plot plot;
  plot.title = title;
  plot.description = description;
  plot.x.label = kLogSnrLabel;
  plot.y.label = y;
  plot.second_x = timestep_axis(subject.model.schedule);
  return plot;
}

}  // namespace

Page guidance_anatomy_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& a = context.answer.as<GuidanceAnatomy>();
  Page out{{"What guidance is made of", kAnatomyProse, {}, {}, {}, {}}};
  Plot size =
      over_steps(subject, "Size of guidance", "Norm of the difference of both estimates.", "norm (pixel units)");
  size.series = {mean_series("size", a.log_snrs, a.norm, {0, 1e300})};
  Plot direction = over_steps(subject, "Direction of guidance",
                              "Share along the estimate, and cosine with the unguided noise.", "share, or cosine");
  direction.series = {mean_series("share along the estimate", a.log_snrs, a.parallel_share, {0, 1}),
                      mean_series("cosine with the noise without prompt", a.log_snrs, a.cosine, {-1, 1})};
  Plot bands = over_steps(subject, "Frequencies of guidance", "Share of the energy in four bands of radial frequency.",
                          "share of energy");
  bands.y.min = 0;
  bands.y.max = 1;
  const int64_t count = a.bands.size(2);
  for (int64_t band = 0; band < count; ++band) {
    const std::string name = band == 0           ? "lowest frequencies"
                             : band == count - 1 ? "highest"
                                                 : "band " + std::to_string(band + 1);
    bands.series.push_back(mean_series(name, a.log_snrs, a.bands.select(2, band), {0, 1}));
  }
  out.add_svg("guidance_size.svg", render_svg(size), "Mean and 95 % interval over the pictures.");
  out.add_svg("guidance_direction.svg", render_svg(direction), "The same.");
  out.add_svg("guidance_bands.svg", render_svg(bands), "The same.");
  out.json["scale"] = subject.sample.guidance.scale;
  out.json["mean_parallel_share"] = to_json(mean_estimate(a.parallel_share.mean(0)));
  return out;
}

}  // namespace noisescope::report
