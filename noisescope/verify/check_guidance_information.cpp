// The free map of a sampling run on the `fine` world: DDIM in 50 steps from log-SNR -9 to 2 at scale 1, the
// caption without the first object in place of the null condition.
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/world/parser.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kMapSteps = 50;
constexpr double kSigmaMax = 90, kSigmaMin = 0.37;  // log-SNR -9 to 2

/// Where the object said first ended up: captions are unordered, so the picture is read. [B, 32, 32].
Tensor phrase_masks(const SceneBatch& batch, const Tensor& pictures) {
  const std::vector<ParsedScene> read = WorldParser(batch.world).parse(pictures);
  std::vector<Scene> scenes;
  std::vector<Tensor> masks;
  for (const ParsedScene& parsed : read) scenes.push_back(parsed.scene);
  const Tensor both = batch.world.object_masks(scenes);
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto said = batch.world.attribute(batch.scenes[i].left);
    masks.push_back(both[int64_t(i)][said == batch.world.attribute(scenes[i].left) ? 0 : 1]);
  }
  return torch::stack(masks);
}

}  // namespace

VerifyRows check_guidance_information(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed, context.n(600, 300));
  const Model& subject = context.exact_fine;
  GuidanceOptions guidance;
  guidance.clamp = 0;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  guidance = context.seen(&Seams::guidance, guidance);

  const NoiseSource noise{Random(context.options.seed), sample_range(0, batch.size())};
  const std::vector<double> sigmas = sampling_sigmas({GridKind::log_snr, kMapSteps, kSigmaMin, kSigmaMax, 7.0});
  const Tensor pictures = run_sampler(guide(subject.denoiser, subject.condition(batch.captions()),
                                            subject.condition(batch.captions_without(true, true)), guidance),
                                      noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64) * sigmas[0],
                                      {sigmas, {.solver = Solver::ddim}, noise},
                                      context.seen(&Seams::observer, information.observer()), context.control);
  const Tensor map = information.result().map;
  const Tensor masks = phrase_masks(batch, pictures);
  const Tensor closed = scene_ratio(context.fine, batch.captions(), batch.captions_without(true, true));
  const std::string method = "guidance_information";
  context.show({method, "information of the phrase along a run, and the object", pictures[0], map[0], masks[0]});
  return {
      {method, subject.name, "phrase map: AUC against the object", Direction::at_least, 0.97,
       mean_estimate(localisation_auc(map, masks))},
      {method, subject.name, "phrase map: best IoU", Direction::at_least, 0.62, mean_estimate(best_iou(map, masks))},
      {method, subject.name, "total of the phrase: off, relative", Direction::within,
       context.options.full ? 0.33 : 0.47, relative_off(information.result().total(), closed)}};
}

}  // namespace noisescope::verify
