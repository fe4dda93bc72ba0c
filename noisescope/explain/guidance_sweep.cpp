#include "noisescope/explain/guidance_sweep.h"

#include <algorithm>
#include <cmath>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {

int64_t GuidanceSweepOptions::cost(int64_t pictures, int64_t steps) const {
  int64_t branches = 1;
  for (const double scale : scales) branches += scale == 1 ? 0 : 2;
  return pictures * steps * branches;
}

void describe(Describer& d, GuidanceSweepOptions& options) {
  d("scales", options.scales, "guidance scales beside 1", {.min = -100, .max = 1000});
  d("bands", options.bands, "bands of radial frequency", {.min = 1, .max = 1000});
}

GuidanceSweep guidance_sweep(const Trajectory& trajectory, const GuidanceSweepOptions& options,
                             const Control& control) {
  const torch::NoGradGuard no_grad;
  const bool finite =
      std::all_of(options.scales.begin(), options.scales.end(), [](double scale) { return std::isfinite(scale); });
  if (options.scales.empty() || !finite || options.bands < 1) {
    throw ValueError(
        format_text("[explain.guidance_sweep] expected finite scales and at least 1 band, got {} scales and {} bands",
                    options.scales.size(), options.bands));
  }
  double drawn = 0;
  const auto energy_at = [&](double scale) {
    const Tensor pictures = trajectory.redraw({.scale = scale}, {}, {.progress = {}, .stop = control.stop});
    control.report({.task = "guidance sweep",
                    .done = ++drawn,
                    .total = static_cast<double>(options.scales.size() + 1),
                    .unit = "runs",
                    .detail = {}});
    return band_energy(pictures, options.bands).to(torch::kCPU);
  };
  GuidanceSweep sweep{options.scales, {}, energy_at(1)};
  std::vector<Tensor> gains;
  for (const double scale : options.scales) {
    const Tensor energy = scale == 1 ? sweep.reference : energy_at(scale);
    const Tensor empty = (energy == 0).logical_and(sweep.reference == 0);
    gains.push_back(torch::where(empty, torch::ones_like(energy), energy / sweep.reference));
  }
  sweep.gain = torch::stack(gains);
  return sweep;
}

void describe(AnswerDescriber& d, const GuidanceSweep& a) {
  d("scales", a.scales, "scale", "", "guidance scales");
  d("gain", a.gain, "scale picture band", "", "energy of each band of radial frequency over that at scale 1",
    {.names = "scales", .null = 1, .higher = "amplified"});
  d("reference", a.reference, "picture band", "pixel units squared", "energy at scale 1");
}

void describe(Describer& d, GuidanceSweepQuestion& question) {
  d("pictures", question.pictures, "pictures of the trajectory, at most", {.min = 2, .max = 100000});
  describe(d, question.options);
}

namespace {

GuidanceSweep ask_sweep(const Subject& subject, const GuidanceSweepQuestion& question, const Control& control) {
  return guidance_sweep(subject.first(question.pictures), question.options, control);
}

int64_t sweep_cost(const Subject& subject, const GuidanceSweepQuestion& question) {
  const Sampling& sampling = subject.trajectory.sampling();
  return sampling.stages() *
         question.options.cost(std::min(question.pictures, subject.trajectory.count()), sampling.steps());
}

}  // namespace

Method guidance_sweep_method() {
  return method("guidance_sweep", "What does more guidance amplify?", {.trajectory = true}, sweep_cost, ask_sweep);
}

}  // namespace noisescope::explain
