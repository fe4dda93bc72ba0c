#include "noisescope/explain/posterior_uncertainty.h"

#include <cmath>
#include <numbers>

#include "noisescope/core/format.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/viz/animation.h"
#include "noisescope/viz/film.h"

namespace noisescope::report {
namespace {

constexpr const char* kUncertaintyProse =
    "At a noise level the network's estimate is a mean over all clean pictures that are still possible. Its "
    "leading principal component shows what is still open: the estimate is moved along it by two standard "
    "deviations to either side (Manor & Michaeli 2024). Where both ends look alike, nothing is left to decide.";

struct Level {
  double log_snr;
  Tensor estimate, direction;  // [C, H, W] of the first noise draw
  Estimate deviation;          // standard deviation along the component, over noise draws
};

Level shown_level(const UncertaintyAtLevel& found) {
  return {found.log_snr, found.estimate[0].cpu(), found.components.directions[0][0].cpu(),
          mean_estimate(found.components.variances[0].clamp_min(0).sqrt())};
}

/// One panel a level, swinging once from -2 to +2 standard deviations and back.
Film swing(const std::vector<Level>& seen) {
  constexpr int kFrames = 16;
  Film film{"What is still open", {}, {}};
  for (const Level& level : seen) {
    film.panels.push_back({format_text("log-SNR {:.1f}", level.log_snr), PanelKind::picture, {}});
  }
  for (int frame = 0; frame < kFrames; ++frame) {
    const double at = 2 * std::sin(2 * std::numbers::pi * frame / kFrames);
    film.step_captions.push_back(format_text("{:+.1f} standard deviations", at));
    for (size_t k = 0; k < seen.size(); ++k) {
      film.panels[k].steps.push_back(seen[k].estimate + at * seen[k].deviation.value * seen[k].direction);
    }
  }
  return film;
}

/// Noisy picture, estimate, both ends: a row of three steps for each level.
Film ends(const std::vector<Level>& seen) {
  Film film{"What is still open", {"two below", "the estimate", "two above"}, {}};
  for (const Level& level : seen) {
    const Tensor end = 2 * level.deviation.value * level.direction;
    film.panels.push_back({format_text("log-SNR {:.1f}", level.log_snr),
                           PanelKind::picture,
                           {level.estimate - end, level.estimate, level.estimate + end}});
  }
  return film;
}

}  // namespace

Page posterior_uncertainty_page(const PageContext& context) {
  const auto& found = context.answer.as<Named<UncertaintyAtLevel>>();
  Page out{{"What is still undecided", kUncertaintyProse, {}, {}, {}, {}}};
  std::vector<Level> seen;
  for (const UncertaintyAtLevel& level : found.answers) {
    seen.push_back(shown_level(level));
    out.json["levels"].push_back({{"log_snr", level.log_snr}, {"standard_deviation", to_json(seen.back().deviation)}});
    out.section.numbers.push_back(
        key_number(format_text("log-SNR {:.1f}", level.log_snr), seen.back().deviation, "",
                   "standard deviation along the leading component (norm of the change, pixel units)"));
  }
  out.add_film("uncertainty.gif", film_strip(ends(seen)), encode_animation("gif", film_frames(swing(seen))),
               "The estimate moved along its leading principal component at three noise levels",
               "Rows: noise levels, from noisy to clean; columns: two standard deviations below the "
               "estimate, the estimate, two above.");
  return out;
}

}  // namespace noisescope::report
