#include "noisescope/verify/world_trajectory.h"

#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/world/parser.h"

namespace noisescope::verify {
namespace {

constexpr double kRunSigmaMax = 90, kRunSigmaMin = 0.37;  // log-SNR -9 to 2
const std::vector<int64_t> kWorldShape = {3, kWorldImagePx, kWorldImagePx};

Trajectory deterministic(const Model& model, const std::vector<std::string>& captions, uint64_t seed) {
  std::vector<double> sigmas = {sigma_of_log_snr(-12)};  // all of x_T before anything is decided
  for (int64_t i = 0; i <= 11; ++i) sigmas.push_back(sigma_of_log_snr(std::lerp(-8.0, 2.0, double(i) / 11)));
  sigmas.push_back(0);
  const NoiseSource noise{Random(seed), sample_range(0, static_cast<int64_t>(captions.size()))};
  return {{model.denoiser, sigmas, {.solver = Solver::ddim}, {.clamp = 0}},
          {model.condition(captions), model.condition({""}), noise.initial(kWorldShape, torch::kDouble), noise}};
}

}  // namespace

DeterministicRun draw_run(const VerifyContext& context, const std::vector<std::string>& captions,
                          const std::vector<std::string>& without, int64_t steps, const NoiseSource& noise) {
  const Model& subject = context.exact_fine;
  GuidanceOptions guidance;
  guidance.clamp = 0;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false, .max_bytes = int64_t{2} << 30}};
  const SamplerObserver both = [&, record = recorder.observer()](const SamplerStep& step) {
    information.observe(step);
    record(step);
  };
  const auto sigmas = sampling_sigmas({GridKind::log_snr, steps, kRunSigmaMin, kRunSigmaMax, 7.0});
  DeterministicRun run;
  run.pictures = run_sampler(guide(subject.denoiser, subject.condition(captions), subject.condition(without), guidance),
                             noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64) * sigmas[0],
                             {sigmas, {.solver = Solver::ddim}, noise}, both, context.control);
  run.information = information.result();
  run.steps = recorder.steps();
  return run;
}

WorldTrajectory::WorldTrajectory(const VerifyContext& context, int64_t count)
    : batch(contrastable_scenes(context.fine.world(), context.options.seed, count)),
      trajectory(deterministic(context.exact_fine, batch.sided_captions(), context.options.seed)) {}

Tensor WorldTrajectory::left_objects(const Tensor& pictures) const {
  std::vector<Scene> scenes;
  for (const ParsedScene& read : WorldParser(batch.world).parse(pictures)) scenes.push_back(read.scene);
  return batch.world.object_masks(scenes).select(1, 0);
}

}  // namespace noisescope::verify
