#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"
#include "noisescope/viz/animation.h"

namespace noisescope {
namespace {

Explained explain_film(const ExplainContext& context) {
  Explained out{{"From noise to picture",
                 "The sampling run of \"" + context.request.prompt +
                     "\", step by step: the noisy picture x_t as the network sees it, its estimate of "
                     "the clean picture, the noise that it sees with the prompt, without it, and the "
                     "difference of the two: what the prompt adds.",
                 {}, {}, {}, {}}};
  const Film film = trajectory_film(context.run.steps, 0, context.request.prompt,
                                    context.config.precondition.schedule);
  const Image strip = film_strip(film);
  const std::string gif = encode_animation("gif", film_frames(film, 3));
  out.section.figures.push_back(film_figure(strip, gif, "image/gif",
                                            "Steps of the sampling run of the picture",
                                            "Noise falls from left to right."));
  out.files["film.gif"] = gif;
  return out;
}

}  // namespace

Explainer film_explainer() {
  return {"film", "What happened between the first noise and the picture?", {.run = true},
          [](const ExplainContext&) { return int64_t{0}; }, explain_film};
}

}  // namespace noisescope
