// Runs on the `demo` world, rewound and altered. Dropping the prompt at step k leaves an ancestral run of
// an exact denoiser with a draw from p(x_0 | x_k): the share that keeps a factor is E p(factor | x_k).
#include <algorithm>

#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/rewind.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr double kRewindReadSigma = 0.05;
const char* const kRewindMethod = "rewind";

/// Pictures of the captions, recorded, from `noise` on.
Trajectory record(const VerifyContext& context, const Model& model, const SceneBatch& batch, Solver solver,
                  int64_t steps) {
  const double end = sigma_of_log_snr(std::min(4.0, model.log_snr_max));
  const NoiseSource noise{Random(context.options.seed), sample_range(0, batch.size())};
  const Trajectory drawn({model.denoiser,
                          sampling_sigmas({GridKind::log_snr, steps, end, 90, 7.0}),
                          {.solver = solver},
                          {.clamp = 0},
                          batch.size()},
                         {model.condition(batch.captions()), model.condition({""}),
                          noise.initial({3, kWorldImagePx, kWorldImagePx}), noise});
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false}};
  drawn.redraw({}, recorder.observer(), context.control);
  return {drawn.sampling(), {drawn.condition(), drawn.null_condition(), drawn.initial(), noise}, recorder.steps()};
}

/// The same steps, taken for those of other noise.
Trajectory with_noise(const Trajectory& run, const NoiseSource& noise) {
  return {run.sampling(), {run.condition(), run.null_condition(), run.initial(), noise}, run.steps()};
}

/// p(left colour | x) without prompt, [B, colours].
Tensor colour_posterior(const WorldDenoiser& truth, const Tensor& x, double sigma) {
  return truth.posterior(x, torch::full({x.size(0)}, sigma, torch::kFloat64),
                         truth.null_condition().expand({x.size(0), -1}), SceneFactor::left_colour);
}

VerifyRow original_row(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, 16);
  const Trajectory recorded = record(context, context.exact_demo, batch, Solver::ddpm, 20);
  const Tensor original = rewind(recorded, {}).unaltered;
  const Trajectory run = with_noise(recorded, context.seen(&Seams::noise, recorded.noise()));
  double worst = 0;
  for (const int64_t step : {1, 8, 15}) {
    const Tensor off = (rewind(run, {.step = step}).unaltered - original).abs().max();
    worst = std::max(worst, off.item<double>());
  }
  return {kRewindMethod,
          context.exact_demo.name,
          "nothing altered: off the original trajectory, worst pixel",
          Direction::at_most,
          0,
          {worst, worst, worst, batch.size()}};
}

/// The prompt dropped at several steps of an ancestral run.
VerifyRow dropped_prompt_row(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(400, 200));
  const Trajectory run = record(context, context.exact_demo, batch, Solver::ddpm, 40);
  const Tensor own = batch.true_version(Word::colour).unsqueeze(1);
  std::vector<Tensor> kept, expected;
  for (const int64_t step : {9, 12, 15, 18}) {  // log-SNR -6 to -3, where the colour is decided
    const SamplerStep& start = run.steps()[static_cast<size_t>(step)];
    const Tensor x = rewind(run, {.step = step, .condition = run.null_condition()}, context.control).altered;
    kept.push_back(
        (colour_posterior(context.demo, x, kRewindReadSigma).argmax(1, true) == own).to(torch::kFloat64).mean());
    expected.push_back(colour_posterior(context.demo, start.x, start.sigma).gather(1, own).mean());
  }
  const Tensor truth = torch::stack(expected);
  const double rmse = (torch::stack(kept) - truth).square().mean().sqrt().item<double>();
  // What the number of pictures alone explains.
  const double spread = (truth * (1 - truth) / double(batch.size())).mean().sqrt().item<double>();
  return {kRewindMethod,
          context.exact_demo.name,
          "prompt dropped: colours kept against the posterior, RMSE",
          Direction::at_most,
          0.05,
          {rmse, std::max(0.0, rmse - spread), rmse + spread, batch.size()}};
}

/// Share of the change that lies in the right half, over pictures that change.
Estimate right_share(const Rewound& rewound) {
  const Tensor total = rewound.change.sum({1, 2});
  return mean_estimate((rewound.change.slice(2, kWorldHalfPx).sum({1, 2}) / total).masked_select(total > 0));
}

/// The batch's scenes with the next colour on the left.
SceneBatch recoloured(SceneBatch batch) {
  for (Scene& scene : batch.scenes) {
    scene.left.colour = (scene.left.colour + 1) % batch.world.colour_count();
  }
  return batch;
}

/// Another colour word from step 2 of a deterministic run on, and how much of its change is where.
VerifyRows word_rows(const VerifyContext& context, const Model& subject, const SceneBatch& batch,
                     const Trajectory& run) {
  const SceneBatch other = recoloured(batch);
  const Rewound word = rewind(run, {.step = 2, .condition = subject.condition(other.captions())}, context.control);
  const Tensor drawn =
      colour_posterior(context.demo, word.altered, kRewindReadSigma).argmax(1) == other.true_version(Word::colour);
  context.show({kRewindMethod, "another colour word from log-SNR -7.6: squared change, and the object",
                word.unaltered[0], word.change[0], batch.left_masks()[0]});
  VerifyRows rows = {{kRewindMethod, subject.name, "another colour word: drawn in its place", Direction::at_least, 0.9,
                      wilson(drawn.sum().item<int64_t>(), batch.size())}};
  if (subject.is_exact()) {
    rows.push_back({kRewindMethod, subject.name, "another colour word: change in the other object's half",
                    Direction::at_most, 0.01, right_share(word)});
  }
  return rows;
}

/// Given the whole caption the halves of the exact world are independent.
VerifyRow block_row(const VerifyContext& context, const Model& subject, const Trajectory& run) {
  const NoiseBlock left_half{0, 0, kWorldImagePx, kWorldHalfPx, Random(context.options.seed + 9)};
  return {kRewindMethod,      subject.name, "block of noise: change in the other object's half",
          Direction::at_most, 0.01,         right_share(rewind(run, {.step = 5, .block = left_half}, context.control))};
}

VerifyRows altered_rows(const VerifyContext& context, const Model& subject) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(100, 48));
  const Trajectory run = record(context, subject, batch, Solver::ddim, 20);
  VerifyRows rows = word_rows(context, subject, batch, run);
  if (subject.is_exact()) rows.push_back(block_row(context, subject, run));
  return rows;
}

}  // namespace

VerifyRows check_rewind(const VerifyContext& context) {
  VerifyRows rows = {original_row(context), dropped_prompt_row(context)};
  append(rows, altered_rows(context, context.exact_demo));
  if (context.trained) append(rows, altered_rows(context, *context.trained));
  return rows;
}

}  // namespace noisescope::verify
