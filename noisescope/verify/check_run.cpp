// What a deterministic run on the `fine` world looks like, and what changes with one word of its prompt.
// Captions say the sides ("left of"), so that the first object stays left.
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/counterfactual.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/explain/trajectory_geometry.h"
#include "noisescope/verify/check.h"
#include "noisescope/stats/estimate_of.h"

namespace noisescope {
namespace {

constexpr double kRunSigmaMax = 90, kRunSigmaMin = 0.37;  // log-SNR -9 to 2

struct DeterministicRun {
  Tensor pictures;
  GuidanceInformation information;
  std::vector<SamplerStep> steps;
};

/// DDIM from the noise of `seed` for all captions of a batch; `without` stands in for the null condition.
DeterministicRun draw_run(const VerifyContext& context, const std::vector<std::string>& captions,
                          const std::vector<std::string>& without, int64_t steps, uint64_t seed) {
  const Model& subject = context.exact_fine;
  const auto count = static_cast<int64_t>(captions.size());
  GuidanceOptions guidance;
  guidance.clamp = 0;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false,
                               .max_bytes = int64_t{2} << 30}};
  const SamplerObserver both = [&, record = recorder.observer()](const SamplerStep& step) {
    information.observe(step);
    record(step);
  };
  const NoiseSource noise{Random(seed), sample_range(0, count)};
  const auto sigmas = sampling_sigmas({GridKind::log_snr, steps, kRunSigmaMin, kRunSigmaMax, 7.0});
  DeterministicRun run;
  run.pictures = run_sampler(
      guide(subject.denoiser, subject.condition(captions), subject.condition(without), guidance),
      noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64) * sigmas[0], sigmas,
      {.solver = Solver::ddim}, noise, both, context.control);
  run.information = information.result();
  run.steps = recorder.steps();
  return run;
}

/// The next value of the word that the left object could have.
ObjectMeaning flipped(const World& world, const WorldObject& o, Word word) {
  if (word == Word::colour) return {o.shape, (o.colour + 1) % world.colour_count()};
  return {(o.shape + 1) % world.shape_count(), o.colour};
}

/// Where the background is open, the word turns it, too, in a few runs of a hundred. That is leakage, and
/// counted so; changed pixels are then hardly the word's, so AUC is asked of prompts that name it.
std::vector<VerifyRow> flip_rows(const VerifyContext& context, const SceneBatch& batch, Word word,
                                 bool name_background) {
  const bool colour = word == Word::colour;
  const auto captions = [&](const std::function<ObjectMeaning(const WorldObject&)>& left) {
    return batch.sided_captions_with(left, name_background);
  };
  const DeterministicRun run = draw_run(context, captions({}), captions([&](const WorldObject& o) {
    return colour ? ObjectMeaning{o.shape, kAny} : ObjectMeaning{kAny, o.colour};
  }), 50, context.options.seed);
  const auto other = captions([&](const WorldObject& o) { return flipped(batch.world, o, word); });
  const uint64_t seed = context.options.seed + (context.broken("flip-under-other-noise") ? 1 : 0);
  const Counterfactual flip =
      compare_pictures(run.pictures, draw_run(context, other, other, 50, seed).pictures);
  const Tensor some = flip.changed.flatten(1).any(1);
  const Tensor partly = some & ~flip.changed.flatten(1).all(1);  // those that an AUC has
  Tensor other_half = torch::zeros({kWorldImagePx, kWorldImagePx}, torch::kBool);
  other_half.slice(1, kWorldHalfPx).fill_(true);
  const std::string method = "counterfactual flip",
                    what = to_string(word) + " flip, background " + (name_background ? "named: " : "open: ");
  std::vector<VerifyRow> rows = {
      {method, context.exact_fine.name, what + "change in the other object's half", Direction::at_most, 0.06,
       mean_estimate(flip.share_in(other_half).index({some}))}};
  if (name_background) {
    rows.push_back({method, context.exact_fine.name, what + "AUC of the free map for changed pixels",
                    Direction::at_least, colour ? 0.94 : 0.97,
                    mean_estimate(localisation_auc(run.information.map.index({partly}),
                                                   flip.changed.index({partly})))});
  }
  return rows;
}

}  // namespace

std::vector<VerifyRow> check_flips(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed,
                                               context.n(100, 48));
  std::vector<VerifyRow> rows;
  for (const Word word : {Word::colour, Word::shape}) {
    for (const bool named : {true, false}) {
      for (VerifyRow& row : flip_rows(context, batch, word, named)) rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<VerifyRow> check_trajectory(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed,
                                               context.n(100, 24));
  const std::vector<std::string> null(static_cast<size_t>(batch.size()), "");
  const DeterministicRun run = draw_run(context, null, null, 64, context.options.seed);
  const TrajectoryGeometry geometry = trajectory_geometry(run.steps, run.pictures);
  return {{"trajectory", context.exact_fine.name, "energy in the plane of first noise and picture",
           Direction::at_least, 0.999, mean_estimate(geometry.plane_energy)}};
}

}  // namespace noisescope
