#include "noisescope/verify/defect.h"

#include <cmath>
#include <memory>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"
#include "noisescope/verify/planted_error.h"

namespace noisescope::verify {
namespace {

// ---- the model ----

/// What `change` makes of every estimate.
Seams of_estimate(const std::function<Tensor(const Tensor&)>& change) {
  return of_denoiser([change](const Model& model) -> Denoiser {
    return [denoiser = model.denoiser, change](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
      return change(denoiser(x, sigma, condition));
    };
  });
}

// ---- prompts ----

Seams swap_branches() {
  Seams seams;
  seams.prompts = [](PromptPair pair) {
    return PromptPair{pair.references[2].clone(), pair.condition.unsqueeze(0).expand_as(pair.references).clone()};
  };
  return seams;
}

/// References are the condition itself but for a random tenth of its elements.
Seams mask_elements() {
  Seams seams;
  seams.prompts = [](PromptPair pair) {
    const Tensor& condition = pair.condition;
    const Tensor kept =
        Random(1).uniform(Purpose::explain, 0, sample_range(0, condition.size(0)), {condition.size(1)}) > 0.1;
    const Tensor masked = (condition * kept + 1e-6).unsqueeze(0);
    pair.references = masked.expand({pair.references.size(0), -1, -1}).contiguous();
    return pair;
  };
  return seams;
}

Seams mistake_own_version() {
  Seams seams;
  seams.contrast = [](Contrast contrast) {
    contrast.true_version = (contrast.true_version + 1) % contrast.conditions.size(0);
    return contrast;
  };
  return seams;
}

// ---- runs ----

Seams of_guidance(const std::function<void(GuidanceOptions&)>& change) {
  Seams seams;
  seams.guidance = [change](GuidanceOptions guidance) {
    change(guidance);
    return guidance;
  };
  return seams;
}

Seams other_noise() {
  Seams seams;
  seams.noise = [](NoiseSource noise) {
    noise.random = Random(noise.random.seed() + 1);
    return noise;
  };
  return seams;
}

/// The same noise at first sight, but every step of every run gets noise of its own.
Seams redraw_noise() {
  Seams seams;
  seams.noise = [](NoiseSource noise) {
    const auto drawn = std::make_shared<uint64_t>(0);
    noise.random_of_step = [seed = noise.random.seed(), drawn](uint64_t) { return Random(seed + ++*drawn); };
    return noise;
  };
  return seams;
}

/// All inner edges one step of an even grid later.
Seams open_windows_late() {
  Seams seams;
  seams.windows = [](WindowsOfSteps w) {
    const double step = 2 * std::log(w.sigmas[0] / w.sigmas[1]);
    for (size_t k = 1; k + 1 < w.windows.edges.size(); ++k) w.windows.edges[k] += step;
    return w;
  };
  return seams;
}

/// Each prompt's pictures come from seeds of its own.
Seams part_seeds() {
  Seams seams;
  seams.grid = [](const GridOfPictures&) -> GridOfPictures {
    return [](const Trajectory& trajectory, const ScorePictures& scores, const Tensor& conditions, const Control&) {
      std::vector<Tensor> columns;
      for (int64_t p = 0; p < conditions.size(0); ++p) {
        NoiseSource own = trajectory.noise();
        own.random = Random(own.random.seed() + 1 + static_cast<uint64_t>(p));
        const Tensor initial = own.initial(trajectory.image_shape(), torch::kDouble);
        columns.push_back(scores(
            trajectory.redraw({.condition = conditions[p].expand({trajectory.count(), -1}), .initial = initial})));
      }
      return torch::stack(columns, 1);
    };
  };
  return seams;
}

Seams prompt_null_trajectories() {
  Seams seams;
  seams.null_trajectories = [](NullTrajectoriesOfPrompt nulls) {
    const Tensor runs = nulls.prompted();
    for (NullTrajectories& kind : nulls.runs) kind.scores = runs;
    return nulls;
  };
  return seams;
}

/// The noise of each step in place of the next one's.
Seams misplace_noise() {
  Seams seams;
  seams.inversion = [](EditFriendlyInversion inversion) {
    inversion.noises = at::roll(inversion.noises, {1}, {0});
    return inversion;
  };
  return seams;
}

// ---- what is shown ----

/// What `change` makes of each step before the observer sees it.
Seams of_step(const std::function<void(SamplerStep&)>& change) {
  Seams seams;
  seams.observer = [change](SamplerObserver observer) -> SamplerObserver {
    return [observer, change](SamplerStep step) {
      change(step);
      observer(step);
    };
  };
  return seams;
}

Seams misreport_noise_level(double factor) {
  return of_step([factor](SamplerStep& step) {
    step.sigma *= factor;
    step.sigma_next *= factor;
  });
}

/// Steps come with the estimate without prompt of the step before.
Seams report_stale_branch() {
  Seams seams;
  seams.observer = [](SamplerObserver observer) -> SamplerObserver {
    return [observer, last = std::make_shared<Tensor>()](SamplerStep step) {
      std::swap(*last, step.prediction.unconditional);
      if (!step.prediction.unconditional.defined()) step.prediction.unconditional = *last;
      observer(step);
    };
  };
  return seams;
}

Seams exchange_branches() {
  return of_step([](SamplerStep& step) { std::swap(step.prediction.conditional, step.prediction.unconditional); });
}

Seams average_words() {
  Seams seams;
  seams.decided = [](DecisionWindows windows) {
    for (double& nats : windows.nats) nats /= 2;
    return windows;
  };
  return seams;
}

Seams rate_at_step_ends() {
  Seams seams;
  seams.decided = [](DecisionWindows windows) {
    const double half = (windows.log_snrs[1] - windows.log_snrs[0]) / 2;
    for (double& log_snr : windows.log_snrs) log_snr += half;
    return windows;
  };
  return seams;
}

/// Maps of whatever network are those of the first.
Seams keep_network() {
  Seams seams;
  seams.maps_of_network = [](MapsOfNetwork maps) -> MapsOfNetwork {
    return [maps, first = std::make_shared<NetworkPtr>()](const NetworkPtr& network) {
      if (!*first) *first = network;
      return maps(*first);
    };
  };
  return seams;
}

/// Each picture is filtered at the level of the one before it.
Evidence filter_one_step_off(const Denoiser& denoiser, const PictureBatch& batch, const Contrast& contrast,
                             const EvidenceOptions& options, const Control&) {
  std::vector<std::pair<Tensor, double>> path;
  walk_noising_paths(batch, options, [&](const Tensor& x, double sigma) { path.emplace_back(x, sigma); });
  EvidenceFilter filter(denoiser, contrast, options.pass_size);
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const Tensor& next = path[std::min(i + 2, path.size() - 1)].first;
    filter.advance(path[i + 1].first, path[i].second, next, path[i + 1].second);
  }
  return filter.result();
}

Seams filter_off() {
  Seams seams;
  seams.filter = [](const PathFilter&) -> PathFilter { return filter_one_step_off; };
  return seams;
}

Seams of_tensor(Seam<Tensor> Seams::*seam, const std::function<Tensor(const Tensor&)>& change) {
  Seams seams;
  seams.*seam = [change](const Tensor& tensor) { return change(tensor); };
  return seams;
}

std::vector<Defect> all_defects() {
  return {
      {"shifted-prompt",
       "what the prompt adds to the estimate lands 3 pixels to the right",
       "information_map",
       {"colour map: AUC", "shape map: AUC"},
       {},
       shift_prompt(3)},
      {"overstated-prompt",
       "the network overstates by 1.5 what the prompt adds",
       "information_map",
       {"total of the full prompt", "kappa"},
       {"colour map", "shape map"},
       amplify_prompt(1.5)},
      {"swapped-branches",
       "the full prompt and its references change places",
       "information_map",
       {"signed total of", "kappa"},
       {},
       swap_branches()},
      {"mask-per-element",
       "the reference drops elements of the condition, not the whole of it, so the prompt stays in it",
       "information_map",
       {"total of", "signed total of"},
       {},
       mask_elements()},
      {"clipped-estimate",
       "estimates are clamped to half their range",
       "information_map",
       {"total of the full prompt", "signed total of the full prompt"},
       {"shape map"},
       of_estimate([](const Tensor& estimate) { return estimate.clamp(-0.5, 0.5); })},
      {"misread-noise-level",
       "the denoiser is told half the noise level",
       "evidence",
       {"decision curve"},
       {},
       misread_noise_level(0.5)},
      {"one-step-off",
       "the filter is shown each picture with the noise level of the one before",
       "evidence",
       {"decision curve"},
       {},
       filter_off()},
      {"evidence-of-a-fifth-less",
       "every nat of evidence counts for 0.8",
       "evidence",
       {"log-odds of the colour word"},
       {},
       of_log_posterior([](const Evidence& e) { return 0.8 * e.log_posterior; })},
      {"wrong-own-version",
       "the true version is taken for its neighbour in the list",
       "evidence",
       {"realised total"},
       {},
       mistake_own_version()},
      {"guidance-overwritten",
       "a run said to be at scale 1 is drawn at scale 8",
       "guidance_information",
       {"total of the phrase"},
       {},
       of_guidance([](GuidanceOptions& g) { g.scale = 8; })},
      {"wrong-weight",
       "the observer is told double the noise level",
       "guidance_information",
       {"total of the phrase"},
       {"phrase map"},
       misreport_noise_level(2)},
      {"stale-branch",
       "the observer is shown the estimate without prompt of the step before",
       "guidance_information",
       {"total of the phrase"},
       {},
       report_stale_branch()},
      {"redrawn-noise",
       "runs with the prompt in different windows do not share the noise of their steps",
       "guidance_windows",
       {"prompt satisfied: largest", "likeness: Shapley", "likeness: knock-out"},
       {},
       redraw_noise()},
      {"late-window",
       "the network hears its prompt one step later than it is said to",
       "guidance_windows",
       {"likeness: Shapley", "likeness: largest"},
       {},
       open_windows_late()},
      {"noise-one-step-off",
       "the replay injects the noise of the step before",
       "inversion",
       {"edit-friendly reconstruction"},
       {"DDIM error", "DDIM noise"},
       misplace_noise()},
      {"another-picture",
       "estimates are held against the next picture of the batch",
       "spectral_emergence",
       {"order of the bands", "falling spectrum"},
       {},
       of_tensor(&Seams::pictures, [](const Tensor& p) { return at::roll(p, {1}, {0}); })},
      {"prompted-null-trajectories",
       "the null trajectories of the read-out are drawn with the prompt that is read",
       "read_out",
       {"right colour words"},
       {"wrong colour words"},
       prompt_null_trajectories()},
      {"prompt-on-the-other-side",
       "what the prompt adds to the estimate lands in the other half",
       "conditioning_locality",
       {"dependent pixels outside"},
       {"null word"},
       shift_prompt(kWorldHalfPx)},
      {"other-noise",
       "a run goes on under other noise than it was drawn with",
       "rewind",
       {"nothing altered: off the original"},
       {"block of noise"},
       other_noise()},
      {"block-beside-object",
       "the block of noise is taken from beside the object",
       "noise_transplant",
       {"object follows its block: share"},
       {},
       of_tensor(&Seams::masks, [](const Tensor& masks) { return at::roll(masks, {8}, {2}); })},
      {"flip-under-other-noise",
       "the picture with the changed word is drawn from other noise",
       "counterfactual",
       {"colour flip, background named: change in the other", "colour flip, background named: AUC",
        "shape flip, background named: change in the other", "shape flip, background named: AUC",
        "colour flip, background open: change in the other", "shape flip, background open: change in the other"},
       {},
       other_noise()},
      {"seeds-not-shared",
       "each prompt meets seeds of its own",
       "seed_share",
       {"share of the seed", "share of the interaction"},
       {"share of the prompt"},
       part_seeds()},
      {"least-first",
       "the pixels of smallest information are moved first",
       "faithfulness",
       {"refilled: insertion less deletion, over a random map", "matched noise: insertion less deletion, over edges"},
       {"refilled: insertion less deletion, random map", "matched noise: insertion less deletion, random map"},
       of_tensor(&Seams::map, [](const Tensor& map) { return -map; })},
      {"deaf-network",
       "the network shows a tenth of what the prompt adds",
       "decision_windows",
       {"nats decided by each level", "mean of ln sigma", "deviation of ln sigma"},
       {"moments of a lognormal rate"},
       amplify_prompt(0.1)},
      {"averaged-words",
       "nats are averaged over the two words, not summed",
       "decision_windows",
       {"nats decided: off", "nats decided by each level"},
       {"mean of ln sigma", "moments of a lognormal rate"},
       average_words()},
      {"rate-at-step-ends",
       "the nats of each step are said to be decided at its end",
       "decision_windows",
       {"moments of a lognormal rate"},
       {"nats decided: off"},
       rate_at_step_ends()},
      {"exchanged-branches",
       "the observer is shown the estimates with and without prompt in each other's place",
       "guidance_anatomy",
       {"cosine", "share along the estimate", "residual"},
       {"norm", "shares of the bands", "shares of four", "mean shift"},
       exchange_branches()},
      {"late-branch",
       "the observer is shown the estimate without prompt of the step before",
       "guidance_anatomy",
       {"norm against", "norm: relative", "shares of the bands"},
       {"mean shift", "parts along"},
       report_stale_branch()},
      {"double-noise-level",
       "the observer is told double the noise level",
       "guidance_anatomy",
       {"mean shift", "residual"},
       {"norm", "cosine", "shares of"},
       misreport_noise_level(2)},
      {"shifted-share",
       "what the prompt adds to the estimate lands one pixel to the right",
       "guidance_anatomy",
       {"cosine", "share along", "residual"},
       {"norm", "shares of", "mean shift"},
       shift_prompt(1)},
      {"overstated-guidance",
       "the network overstates by 1.5 what the prompt adds",
       "guidance_sweep",
       {"energy of each band", "gain of each band"},
       {},
       amplify_prompt(1.5)},
      {"clamped-estimates",
       "estimates are clamped to [-1, 1], which is not said",
       "guidance_sweep",
       {"gain of each band"},
       {"energy of each band"},
       of_guidance([](GuidanceOptions& g) { g.clamp = 1; })},
      {"loud-noise",
       "noise is too large by 3 %",
       "noise_tests",
       {"p-values uniform"},
       {"power for"},
       of_tensor(&Seams::pictures, [](const Tensor& noise) { return 1.03 * noise; })},
      {"noise-bands-at-another-level",
       "the denoiser is told 0.8 of the noise level",
       "noise_bands",
       {"energy of each band"},
       {},
       misread_noise_level(0.8)},
      {"deaf-predictions",
       "the network ignores its prompt",
       "prediction_tests",
       {"predictions under the own prompts"},
       {"predictions under strangers' prompts: found"},
       amplify_prompt(0)},
      {"smeared-estimate",
       "estimates are those of the pixel to the left",
       "noise_tiles",
       {"effect on other tiles", "effect on the own tile"},
       {},
       of_estimate([](const Tensor& estimate) { return at::roll(estimate, {1}, {3}); })},
      {"doubled-map",
       "maps are in units of half the size",
       "infidelity",
       {"gradient: share of the null value", "gradient: off the second", "likelihood ratio"},
       {"three times the gradient, scaled"},
       of_tensor(&Seams::map, [](const Tensor& map) { return 2 * map; })},
      {"mask-beside-object",
       "maps are held against the place beside the object",
       "localisation",
       {"the truth as a map", "effect of one deviation"},
       {"map of chance"},
       of_tensor(&Seams::masks, [](const Tensor& masks) { return at::roll(masks, {8}, {2}); })},
      {"maps-of-the-old-weights",
       "maps are made of the network as it was before its weights were shuffled",
       "randomisation",
       {"map of the weights alone"},
       {"map that ignores"},
       keep_network()},
      {"picture-of-the-next",
       "steps are held against the picture of the next run",
       "trajectory_geometry",
       {"energy in the plane"},
       {},
       of_tensor(&Seams::pictures, [](const Tensor& p) { return at::roll(p, {1}, {0}); })},
      {"halves-exchanged",
       "estimates come with the halves of the picture in each other's place",
       "u_turn",
       {"retention"},
       {},
       of_estimate([](const Tensor& estimate) { return at::roll(estimate, {kWorldHalfPx}, {3}); })},
      {"shrunk-estimate",
       "estimates are too small by a tenth",
       "posterior_uncertainty",
       {"top variance"},
       {"top direction"},
       of_estimate([](const Tensor& estimate) { return 0.9 * estimate; })},
      {"stretched-estimate",
       "estimates are too large by a fifth",
       "noise_sobol",
       {"indices of x_T"},
       {"DDIM"},
       of_estimate([](const Tensor& estimate) { return 1.2 * estimate; })},
      {"map-of-the-next",
       "each picture gets the map of the next one",
       "sensitivity",
       {"turned picture", "any linear map"},
       {},
       of_tensor(&Seams::map, [](const Tensor& map) { return at::roll(map, {1}, {0}); })},
  };
}

}  // namespace

const std::vector<Defect>& defects() {
  static const std::vector<Defect> all = all_defects();
  return all;
}

const Defect& find_defect(const std::string& name) {
  std::vector<std::string> names;
  for (const Defect& defect : defects()) {
    if (defect.name == name) return defect;
    names.push_back(defect.name);
  }
  const std::string nearest = nearest_name(name, names);
  throw ValueError("[verify] unknown defect " + in_quotes(name) + "; " +
                   (nearest.empty() ? "there are " + join(names) : "did you mean '" + nearest + "'?"));
}

}  // namespace noisescope::verify
