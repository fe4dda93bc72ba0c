// What a deterministic run on the `fine` world looks like, and what changes with one word of its prompt.
// Captions say the sides ("left of"), so that the first object stays left.
#include "noisescope/data/world_parser.h"
#include "noisescope/diffusion/trajectory.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/explain/trajectory_geometry.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/estimates.h"

namespace noisescope {
namespace {

constexpr double kSigmaMax = 90, kSigmaMin = 0.37;  // log-SNR -9 to 2
constexpr double kChanged = 0.3;  // squared change of a pixel, summed over channels: it changed

/// Captions of the batch with the sides said, the left object as `left` tells.
std::vector<std::string> sided(const SceneBatch& batch,
                               const std::function<ObjectMeaning(const WorldObject&)>& left) {
  std::vector<std::string> captions;
  for (const Scene& scene : batch.scenes) {
    captions.push_back(batch.grammar.say({left(scene.left),
                                          {scene.right.shape, scene.right.colour}, true, kAny}));
  }
  return captions;
}

ObjectMeaning whole(const WorldObject& o) { return {o.shape, o.colour}; }

struct DeterministicRun {
  Tensor pictures;
  GuidanceInformation information;
  std::vector<SamplerStep> steps;
};

/// DDIM from the same noise for all captions of a batch; `without` stands in for the null condition.
DeterministicRun draw_run(const VerifyContext& context, const std::vector<std::string>& captions,
                          const std::vector<std::string>& without, int64_t steps) {
  const Subject& subject = context.exact_fine;
  const auto count = static_cast<int64_t>(captions.size());
  GuidanceOptions guidance;
  guidance.clip = 0;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false,
                               .max_bytes = int64_t{2} << 30}};
  const SamplerObserver both = [&, record = recorder.observer()](const SamplerStep& step) {
    information.observe(step);
    record(step);
  };
  const NoiseSource noise{Random(context.options.seed), sample_range(0, count)};
  const auto sigmas = sampling_sigmas({GridType::log_snr, steps, kSigmaMin, kSigmaMax, 7.0});
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

std::vector<VerifyRow> flip_rows(const VerifyContext& context, const SceneBatch& batch,
                                 Word word) {
  const bool colour = word == Word::colour;
  const DeterministicRun run = draw_run(
      context, sided(batch, whole),
      sided(batch, [&](const WorldObject& o) {
        return colour ? ObjectMeaning{o.shape, kAny} : ObjectMeaning{kAny, o.colour};
      }), 50);
  const auto other = sided(batch, [&](const WorldObject& o) { return flipped(batch.world, o, word); });
  const DeterministicRun counterfactual = draw_run(context, other, other, 50);
  const Tensor change = (run.pictures - counterfactual.pictures).square().sum(1);
  const Tensor changed = change > kChanged;
  const Tensor some = changed.flatten(1).any(1);
  const auto of_some = [&](const Tensor& t) { return t.index({some}); };
  const Tensor leak = change.slice(2, kWorldHalfPx).sum({1, 2}) / change.sum({1, 2});
  const std::string what = to_string(word) + " flip: ", method = "counterfactual flip";
  return {{method, context.exact_fine.name, what + "AUC of the free map for changed pixels",
           Direction::at_least, colour ? 0.94 : 0.97,
           mean_estimate(localisation_auc(of_some(run.information.map), of_some(changed)))},
          {method, context.exact_fine.name, what + "change in the other object's half",
           Direction::at_most, 0.06, mean_estimate(of_some(leak))}};
}

}  // namespace

std::vector<VerifyRow> check_flips(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed,
                                               context.n(100, 48));
  std::vector<VerifyRow> rows = flip_rows(context, batch, Word::colour);
  for (VerifyRow& row : flip_rows(context, batch, Word::shape)) rows.push_back(std::move(row));
  return rows;
}

std::vector<VerifyRow> check_trajectory(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed,
                                               context.n(100, 24));
  const std::vector<std::string> null(static_cast<size_t>(batch.size()), "");
  const DeterministicRun run = draw_run(context, null, null, 64);
  const TrajectoryGeometry geometry = trajectory_geometry(run.steps, run.pictures);
  return {{"trajectory", context.exact_fine.name, "energy in the plane of first noise and picture",
           Direction::at_least, 0.999, mean_estimate(geometry.plane_energy)}};
}

}  // namespace noisescope
