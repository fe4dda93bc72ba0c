#include "noisescope/explain/noise_sobol.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

/// `noise`, where the steps in [from, to) inject that of `other` instead.
NoiseSource with_steps_of(const NoiseSource& noise, const Random& other, int64_t from, int64_t to) {
  NoiseSource out = noise;
  out.random_of_step = [noise, other, from, to](uint64_t step) {
    const auto index = static_cast<int64_t>(step - noise.first_step);
    if (index >= from && index < to) return other;
    return noise.random_of_step ? noise.random_of_step(step) : noise.random;
  };
  return out;
}

}  // namespace

void describe(Describer& d, NoiseSobolOptions& options) {
  d("windows", options.windows, "windows of equally many steps", {.min = 1, .max = 1000});
}

NoiseSobol noise_sobol(const Trajectory& trajectory, const ScorePictures& scores, const NoiseSobolOptions& options,
                       const Control& control) {
  const torch::NoGradGuard no_grad;
  const int64_t steps = trajectory.sampling().steps();
  const Tensor& initial = trajectory.initial();
  const NoiseSource& noise = trajectory.noise();
  if (options.windows < 1 || options.windows > steps) {
    throw ValueError(format_text("[explain.noise_sobol] expected 1 .. {} windows, one step each at least, got {}",
                                 steps, options.windows));
  }
  const Random other(noise.random.seed() ^ name_hash("noise_sobol"));
  const Tensor other_initial = NoiseSource{other, noise.sample_ids}
                                   .initial(initial.sizes().slice(1), initial.scalar_type())
                                   .to(initial.device());
  const double runs = static_cast<double>(options.windows + 3);
  double done = 0;
  const auto score = [&](const Tensor& x, int64_t from, int64_t to) {
    const Tensor values = scores(
        trajectory.redraw({.initial = x, .noise = with_steps_of(noise, other, from, to)}, {}, {{}, control.stop}));
    control.report({"noise sobol", ++done, runs, "runs", ""});
    return values;
  };
  NoiseSobol out;
  for (int64_t w = 0; w <= options.windows; ++w) {
    out.first_steps.push_back(w * steps / options.windows);
  }
  const Tensor a = score(initial, 0, 0), b = score(other_initial, 0, steps);
  std::vector<Tensor> mixed = {score(other_initial, 0, 0)};
  for (size_t w = 0; w + 1 < out.first_steps.size(); ++w) {
    mixed.push_back(score(initial, out.first_steps[w], out.first_steps[w + 1]));
  }
  out.indices = sobol_indices(a, b, torch::stack(mixed));
  return out;
}

void describe(AnswerDescriber& d, const SobolIndices& a) {
  d("total", a.total, "player score", "share",
    "of the variance that a player decides with all interactions; NaN: no variance",
    {.error = "total_error", .null = 0, .higher = "decided more"});
  d("total_error", a.total_error, "player score", "share", "standard error; NaN: no variance");
  d("first", a.first, "player score", "share", "of the variance that a player decides alone; NaN: no variance",
    {.error = "first_error", .null = 0, .higher = "decided more"});
  d("first_error", a.first_error, "player score", "share", "standard error; NaN: no variance");
}

void describe(AnswerDescriber& d, const NoiseSobol& a) {
  d("first_steps", a.first_steps, "edge", "step",
    "first ones of the windows, players 1 ..., and the end; player 0 is the first noise");
  describe(d, a.indices);
}

void describe(Describer& d, NoiseSobolQuestion& question) {
  d("pictures", question.pictures, "new trajectories of the prompt", {.min = 2, .max = 1000000});
  describe(d, question.options);
}

namespace {

NoiseSobolOptions within(const Subject& subject, NoiseSobolOptions options) {
  options.windows = std::min(options.windows, subject.trajectory.sampling().steps());
  return options;
}

NoiseSobol ask_sobol(const Subject& subject, const NoiseSobolQuestion& question, const Control& control) {
  const Trajectory trajectory = subject.fresh(question.pictures);
  return noise_sobol(trajectory, word_margins(subject), within(subject, question.options), control);
}

int64_t sobol_cost(const Subject& subject, const NoiseSobolQuestion& question) {
  const Sampling& sampling = subject.trajectory.sampling();
  return sampling.branches() * sampling.stages() *
         within(subject, question.options).cost(question.pictures, sampling.steps());
}

}  // namespace

Method noise_sobol_method() {
  return method("noise_sobol", "What did the first noise decide, what the noise of later steps?",
                {.trajectory = true, .words = true, .reader = true}, sobol_cost, ask_sobol);
}

}  // namespace noisescope::explain
