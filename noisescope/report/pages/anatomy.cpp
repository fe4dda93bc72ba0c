#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"

namespace noisescope {
namespace {

constexpr const char* kAnatomyProse =
    "The prompt's share of the network's estimate, D with prompt minus D without, step by step: how large it "
    "is; how much of it lies along the estimate itself (that part makes colours saturate; the rest changes "
    "the picture); which way it points compared with the noise predicted without prompt; and in which spatial "
    "frequencies it lies. Read off the run, no evaluations of its own.";

Plot over_steps(const ExplainContext& context, const std::string& title,
                const std::string& description, const std::string& y) {
  Plot plot;
  plot.title = title;
  plot.description = description;
  plot.x.label = kLogSnrLabel;
  plot.y.label = y;
  plot.second_x = timestep_axis(context.config.precondition.schedule);
  return plot;
}

Explained explain_anatomy(const ExplainContext& context) {
  GuidanceAnatomyObserver observer;
  for (const SamplerStep& step : context.run.steps) observer.observe(step);
  const GuidanceAnatomy a = observer.result();
  Explained out{{"What guidance is made of", kAnatomyProse, {}, {}, {}, {}}};
  Plot size = over_steps(context, "Size of guidance", "Norm of the difference of both estimates.",
                         "norm (pixel units)");
  size.series = {mean_series("size", a.log_snrs, a.norm, {0, 1e300})};
  Plot direction = over_steps(context, "Direction of guidance",
                              "Share along the estimate, and cosine with the unguided noise.",
                              "share, or cosine");
  direction.series = {mean_series("share along the estimate", a.log_snrs, a.parallel_share, {0, 1}),
                      mean_series("cosine with the noise without prompt", a.log_snrs, a.cosine,
                                  {-1, 1})};
  Plot bands = over_steps(context, "Frequencies of guidance",
                          "Share of the energy in four bands of radial frequency.", "share of energy");
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
  out.json["scale"] = context.run.sample.guidance.scale;
  out.json["mean_parallel_share"] = to_json(mean_estimate(a.parallel_share.mean(0)));
  out.tensors.tensors = {{"log_snrs", torch::tensor(a.log_snrs, torch::kFloat64)},
                         {"norm", a.norm}, {"cosine", a.cosine},
                         {"parallel_share", a.parallel_share}, {"bands", a.bands}};
  return out;
}

}  // namespace

Explainer anatomy_explainer() {
  return {"anatomy", "What is guidance made of?", {.run = true, .branches = true},
          [](const ExplainContext&) { return int64_t{0}; }, explain_anatomy};
}

}  // namespace noisescope
