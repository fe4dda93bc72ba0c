#include "noisescope/verify/defect.h"

#include <memory>

#include <ATen/ops/roll.h>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"

namespace noisescope {

const std::vector<Defect>& defects() {
  const std::string evidence = "evidence filtering", information = "information map",
                    guidance = "guidance information", windows = "guidance windows";
  static const std::vector<Defect> list = {
      {"shifted-prompt", "what the prompt adds to the estimate lands 3 pixels to the right",
       information, {"colour map: AUC", "shape map: AUC"}, {"total of"}},
      {"overstated-prompt", "the network overstates by 1.5 what the prompt adds", information,
       {"total of the full prompt", "kappa"}, {"colour map", "shape map"}},
      {"swapped-branches", "the full prompt and its references change places", information,
       {"signed total of", "kappa"}, {"total of the colour word"}},
      {"mask-per-element",
       "the reference drops elements of the condition, not the whole of it, so the prompt stays in it",
       information, {"total of", "signed total of"}, {}},
      {"clipped-estimate", "estimates are clamped to half their range", information,
       {"total of the full prompt", "signed total of the full prompt"}, {"shape map"}},
      {"misread-noise-level", "the denoiser is told half the noise level", evidence,
       {"decision curve"}, {"completeness gap"}},
      {"one-step-off", "the filter is shown each picture with the noise level of the one before",
       evidence, {"decision curve"}, {"completeness gap"}},
      {"wrong-own-version", "the true version is taken for its neighbour in the list", evidence,
       {"realised total"}, {"completeness gap"}},
      {"guidance-overwritten", "a run said to be at scale 1 is drawn at scale 8", guidance,
       {"total of the phrase"}, {"evaluations"}},
      {"wrong-weight", "the observer is told double the noise level", guidance,
       {"total of the phrase"}, {"phrase map", "evaluations"}},
      {"stale-branch", "the observer is shown the estimate without prompt of the step before",
       guidance, {"total of the phrase"}, {"evaluations"}},
      {"redrawn-noise",
       "runs with the prompt in different windows do not share the noise of their steps", windows,
       {"prompt satisfied: largest", "likeness: Shapley", "likeness: knock-out"},
       {"prompt satisfied: efficiency", "likeness: efficiency"}},
      {"late-window", "the network hears its prompt one step later than it is said to", windows,
       {"likeness: Shapley", "likeness: largest"}, {"likeness: efficiency"}},
      {"noise-one-step-off", "the replay injects the noise of the step before", "inversion",
       {"edit-friendly reconstruction"}, {"DDIM error", "DDIM noise"}},
      {"another-picture", "estimates are held against the next picture of the batch",
       "spectral emergence", {"order of the bands", "falling spectrum"}, {}},
      {"prompted-null-runs", "the null runs of the read-out are drawn with the prompt that is read",
       "word read-out", {"right colour words"}, {"wrong colour words"}},
      {"prompt-on-the-other-side", "what the prompt adds to the estimate lands in the other half",
       "conditioning locality", {"dependent pixels outside"}, {"null word"}},
      {"other-noise", "a run goes on under other noise than it was drawn with", "rewind",
       {"nothing altered: off the original"}, {"block of noise"}},
      {"block-beside-object", "the block of noise is taken from beside the object", "causes in the noise",
       {"object follows its block: share"}, {"DDIM", "indices of x_T"}},
      {"flip-under-other-noise", "the picture with the changed word is drawn from other noise",
       "counterfactual flip",
       {"colour flip, background named: change in the other", "colour flip, background named: AUC",
        "shape flip, background named: change in the other", "shape flip, background named: AUC",
        "colour flip, background open: change in the other",
        "shape flip, background open: change in the other"}, {}},
      {"seeds-not-shared", "each prompt meets seeds of its own", "seed share",
       {"share of the seed", "share of the interaction"}, {"share of the prompt"}},
      {"least-first", "the pixels of smallest information are moved first", "explanation metrics",
       {"refilled: insertion less deletion, over a random map",
        "matched noise: insertion less deletion, over edges"},
       {"refilled: insertion less deletion, random map",
        "matched noise: insertion less deletion, random map"}},
  };
  return list;
}

const Defect& find_defect(const std::string& name) {
  std::vector<std::string> names;
  for (const Defect& defect : defects()) {
    if (defect.name == name) return defect;
    names.push_back(defect.name);
  }
  throw ValueError("[verify] expected one of the defects " + join(names) + ", got '" + name + "'");
}

Denoiser shift_prompt(Denoiser denoiser, Tensor null_condition, int64_t pixels) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor null = denoiser(x, sigma, null_condition.expand_as(condition));
    return null + at::roll(denoiser(x, sigma, condition) - null, {pixels}, {3});
  };
}

Denoiser amplify_prompt(Denoiser denoiser, Tensor null_condition, double factor) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor null = denoiser(x, sigma, null_condition.expand_as(condition));
    return null + factor * (denoiser(x, sigma, condition) - null);
  };
}

Denoiser misread_noise_level(Denoiser denoiser, double factor) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return denoiser(x, factor * sigma, condition);
  };
}

Denoiser clip_estimate(Denoiser denoiser, double bound) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return denoiser(x, sigma, condition).clamp(-bound, bound);
  };
}

EditFriendlyInversion misplace_noise(EditFriendlyInversion inversion) {
  inversion.noises = at::roll(inversion.noises, {1}, {0});
  return inversion;
}

SamplerObserver misreport_noise_level(SamplerObserver observer, double factor) {
  return [=](SamplerStep step) {
    step.sigma *= factor;
    step.sigma_next *= factor;
    observer(step);
  };
}

SamplerObserver report_stale_branch(SamplerObserver observer) {
  return [observer, last = std::make_shared<Tensor>()](SamplerStep step) {
    std::swap(*last, step.prediction.unconditional);
    if (!step.prediction.unconditional.defined()) step.prediction.unconditional = *last;
    observer(step);
  };
}

NoiseSource redraw_noise(NoiseSource noise) {
  const auto drawn = std::make_shared<uint64_t>(0);
  noise.random_of_step = [seed = noise.random.seed(), drawn](uint64_t) {
    return Random(seed + ++*drawn);
  };
  return noise;
}

}  // namespace noisescope
