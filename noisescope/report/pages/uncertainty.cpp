#include <cmath>
#include <numbers>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/posterior_uncertainty.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/film.h"

namespace noisescope {
namespace {

constexpr const char* kUncertaintyProse =
    "At a noise level the network's estimate is a mean over all clean pictures that are still possible. Its "
    "leading principal component shows what is still open: the estimate is moved along it by two standard "
    "deviations to either side (Manor & Michaeli 2024). Where both ends look alike, nothing is left to decide.";

const std::vector<double>& levels() {
  static const std::vector<double> log_snrs = {-4.5, -3, -1.5};
  return log_snrs;
}

UncertaintyOptions options_of() { return {.components = 1, .iterations = 20}; }

struct Level {
  double log_snr;
  Tensor x, estimate, direction;  // [3, S, S] of the first noise draw
  Estimate deviation;             // standard deviation along the component, over noise draws
};

Level look(const ExplainContext& context, double log_snr) {
  const int64_t paths = context.request.paths;
  const double sigma = sigma_of_log_snr(log_snr);
  const torch::Device device = context.model.device();
  const Random random(context.request.seed);
  const Tensor picture = context.picture.to(device).unsqueeze(0);
  const Tensor eps = random.normal(Purpose::explain, 0, sample_range(0, paths), picture[0].sizes());
  const Tensor x = picture + sigma * eps.to(device);
  const Tensor levels = torch::full({paths}, sigma, x.options());
  const Tensor condition = context.model.condition({context.request.prompt}).expand({paths, -1});
  const PosteriorComponents components =
      posterior_components(context.model.denoiser(), x, levels, condition, options_of(), random,
                           sample_range(0, paths), context.control);
  const Tensor estimate = context.model.denoiser()(x.slice(0, 0, 1), levels.slice(0, 0, 1),
                                                   condition.slice(0, 0, 1));
  return {log_snr, x[0].cpu() / std::sqrt(1 + sigma * sigma), estimate[0].cpu(),
          components.directions[0][0].cpu(),
          mean_estimate(components.variances[0].clamp_min(0).sqrt())};
}

/// One panel a level, swinging once from -2 to +2 standard deviations and back.
Film swing(const std::vector<Level>& seen) {
  constexpr int kFrames = 16;
  Film film{"What is still open", {}, {}};
  for (const Level& level : seen) {
    film.panels.push_back({text_of("log-SNR %.1f", level.log_snr), PanelKind::picture, {}});
  }
  for (int frame = 0; frame < kFrames; ++frame) {
    const double at = 2 * std::sin(2 * std::numbers::pi * frame / kFrames);
    film.step_captions.push_back(text_of("%+.1f standard deviations", at));
    for (size_t k = 0; k < seen.size(); ++k) {
      film.panels[k].steps.push_back(seen[k].estimate +
                                     at * seen[k].deviation.value * seen[k].direction);
    }
  }
  return film;
}

/// Noisy picture, estimate, both ends: a row of three steps for each level.
Film ends(const std::vector<Level>& seen) {
  Film film{"What is still open", {"two below", "the estimate", "two above"}, {}};
  for (const Level& level : seen) {
    const Tensor end = 2 * level.deviation.value * level.direction;
    film.panels.push_back({text_of("log-SNR %.1f", level.log_snr), PanelKind::picture,
                           {level.estimate - end, level.estimate, level.estimate + end}});
  }
  return film;
}

Explained explain_uncertainty(const ExplainContext& context) {
  Explained out{{"What is still undecided", kUncertaintyProse, {}, {}, {}, {}}};
  std::vector<Level> seen;
  std::vector<Tensor> directions;
  for (const double log_snr : levels()) {
    seen.push_back(look(context, log_snr));
    directions.push_back(seen.back().direction);
    out.json["levels"].push_back({{"log_snr", log_snr},
                                  {"standard_deviation", to_json(seen.back().deviation)}});
    out.section.numbers.push_back(
        key_number(text_of("log-SNR %.1f", log_snr), seen.back().deviation, "",
                   "standard deviation along the leading component (norm of the change, pixel units)"));
  }
  out.tensors.tensors["directions"] = torch::stack(directions);
  const std::string gif = encode_animation("gif", film_frames(swing(seen)));
  out.files["uncertainty.gif"] = gif;
  out.section.figures.push_back(
      film_figure(film_strip(ends(seen)), gif, "image/gif",
                  "The estimate moved along its leading principal component at three noise levels",
                  "Rows: noise levels, from noisy to clean; columns: two standard deviations below the "
                  "estimate, the estimate, two above."));
  return out;
}

}  // namespace

Explainer uncertainty_explainer() {
  return {"uncertainty", "What is the network still undecided about?", {},
          [](const ExplainContext& c) {
            return static_cast<int64_t>(levels().size()) * c.request.paths * options_of().cost();
          },
          explain_uncertainty};
}

}  // namespace noisescope
