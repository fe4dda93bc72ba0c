// What windows of guidance show on the exact world, without anything planted.
#include "noisescope/explain/guidance_windows.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/verify/prompt_satisfied.h"

namespace noisescope {
namespace {

constexpr int64_t kCount = 24, kWindows = 6;

/// Ancestral sampling on the exact `fine` world, log-SNR -8 to 4 in 24 steps at scale 1.
struct FineRun {
  WorldDenoiser truth{World(world_member("fine"))};
  Model subject = exact_model(truth);
  SceneBatch batch = contrastable_scenes(truth.world(), 0, kCount);
  Tensor condition = subject.condition(batch.captions());
  Tensor null = subject.condition(std::vector<std::string>(kCount, ""));
  NoiseSource noise{Random(0), sample_range(0, kCount)};
  Trajectory run{{subject.denoiser,
                  sampling_sigmas({GridKind::log_snr, 24, 0.135, 54.6, 7.0}),
                  {.solver = Solver::ddpm},
                  {.scale = 1, .clamp = 0}},
                 {condition, null, noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64), noise}};

  /// Share of the prompt's information that is spoken in each window, [K].
  Tensor information_shares() const {
    const Sampling& sampling = run.sampling();
    GuidanceOptions guidance = sampling.guidance;
    guidance.both_branches = true;
    GuidanceInformationObserver information(guidance);
    run_sampler(run.predictor(guidance), run.initial() * sampling.sigmas[0], {sampling.sigmas, sampling.sampler, noise},
                information.observer());
    const auto first = equal_windows(sampling.sigmas, kWindows).first_steps(sampling.sigmas);
    const Tensor shares = information.result().mean_level_shares();
    std::vector<Tensor> sums;
    for (size_t k = 0; k < kWindows; ++k) {
      sums.push_back(shares.slice(0, first[k], first[k + 1]).sum());
    }
    return torch::stack(sums);
  }
};

// The last two windows hold 5 % of the information. Each of them alone satisfies the prompt, by
// painting over the picture: only likeness to the guided picture sees that.
TEST(SlowGuidanceWindows, RepaintingSatisfiesThePromptAndIsUnlikeTheGuidedPicture) {
  const FineRun fine;
  const auto found = attribute_to_windows(fine.run, {prompt_satisfied(fine.batch), likeness_to_guided},
                                          {.windows = kWindows}, Random(0));
  const Tensor information = fine.information_shares();
  EXPECT_LT(information.slice(0, 4).sum().item<double>(), 0.1);
  const Tensor satisfied = found[0].shapley.phi.mean(0), alike = found[1].shapley.phi.mean(0);
  EXPECT_GT(found[0].knock_out.alone.mean(0).slice(0, 4).min().item<double>(), 0.9);
  EXPECT_GT(satisfied.slice(0, 4).sum().item<double>(), 0.5);
  EXPECT_LT(alike.slice(0, 4).sum().abs().item<double>(), 0.1);
  EXPECT_GT(alike.slice(0, 2, 4).sum().item<double>(), 0.8);
  // Where three windows can stand in for each other, no knock-out is seen.
  EXPECT_LT(found[0].knock_out.effect.mean(0).abs().max().item<double>(), 0.05);
}

TEST(PromptSatisfied, ReadsPicturesByTheirCaptions) {
  const SceneBatch batch = contrastable_scenes(World(world_member("fine")), 0, 6);
  const PictureValue satisfied = prompt_satisfied(batch);
  const auto value = [&](const Tensor& drawn) { return satisfied({drawn, drawn, drawn}); };
  EXPECT_EQ(value(batch.pictures).sum().item<double>(), 6);
  EXPECT_EQ(value(torch::zeros_like(batch.pictures)).sum().item<double>(), 0);
  // The last three show each other's scenes.
  const std::vector<int64_t> shown = {0, 1, 2, 4, 5, 3};
  const Tensor mixed = value(batch.pictures.index_select(0, torch::tensor(shown)));
  for (size_t i = 0; i < shown.size(); ++i) {
    const CaptionMeaning meaning = batch.grammar.parse(batch.captions()[i]);
    const bool fits = is_true(meaning, batch.scenes[size_t(shown[i])]);
    EXPECT_EQ(mixed[int64_t(i)].item<double>(), fits ? 1 : 0) << i;
  }
  EXPECT_LT(mixed.sum().item<double>(), 6);
  EXPECT_THROW(value(batch.pictures.slice(0, 1)), ShapeError);
}

}  // namespace
}  // namespace noisescope
