#include "noisescope/explain/conditioning_locality.h"

#include <cmath>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/passes.h"
#include "noisescope/stats/multiple_testing.h"
#include "noisescope/stats/relabelling.h"

namespace noisescope::explain {
namespace {

constexpr uint64_t kRelabellingStep = 1 << 20;  // apart from the noise, whose step is the level's number

/// One picture at one level.
struct PixelTest {
  Tensor squared_change, change, p;  // [H, W]
};

void check_options(const LocalityOptions& options) {
  const bool possible = !options.log_snrs.empty() && options.draws >= 2 && options.permutations >= 1 &&
                        options.false_share > 0 && options.false_share < 1 && options.smallest_change >= 0;
  if (!possible) {
    throw ValueError(
        format_text("[explain.conditioning_locality] expected noise levels, at least 2 draws and 1 permutation, "
                    "false_share in (0, 1) and smallest_change >= 0, got {} levels and {} draws",
                    options.log_snrs.size(), options.draws));
  }
}

/// Estimates of N draws of one picture under its K versions, [N, K, C, H, W].
Tensor estimates(const Denoiser& denoiser, const Tensor& x, double sigma, const Tensor& versions, int64_t pass_size) {
  const int64_t N = x.size(0), K = versions.size(0);
  const Tensor sample = torch::arange(N, x.device()).repeat_interleave(K);
  const NoisyPictures noisy{x, torch::full({N}, sigma, x.options())};
  const Tensor denoised = denoise_in_passes(denoiser, noisy, versions.repeat({N, 1}), sample, pass_size);
  return denoised.to(torch::kCPU, torch::kFloat64).view({N, K, x.size(1), x.size(2), x.size(3)});
}

PixelTest test_pixels(const Tensor& estimate, int64_t own, const RelabellingDraws& draws) {
  const int64_t N = estimate.size(0), K = estimate.size(1), C = estimate.size(2);
  const at::IntArrayRef plane = estimate.sizes().slice(3);
  const Relabelled moved = relabel_blocks(estimate.flatten(2), torch::full({N}, own, torch::kInt64), draws);
  const auto over_channels = [&](const Tensor& t) { return t.square().view({-1, C, plane[0] * plane[1]}).sum(1); };
  const Tensor observed = over_channels(moved.observed).squeeze(0);
  const Tensor squared = (estimate - estimate.select(1, own).unsqueeze(1)).square().sum(2).sum(1);
  return {squared.mean(0) / static_cast<double>(K - 1), (observed / static_cast<double>(C)).sqrt().view(plane),
          relabelling_p(observed, over_channels(moved.null)).view(plane)};
}

/// All maps of a level: tests[b] of picture b.
void add_level(ConditioningLocality& out, const std::vector<PixelTest>& tests) {
  const auto append = [&](Tensor& maps, Tensor PixelTest::*map) {
    std::vector<Tensor> of_pictures;
    for (const PixelTest& test : tests) of_pictures.push_back(test.*map);
    const Tensor level = torch::stack(of_pictures).unsqueeze(0);
    maps = maps.defined() ? torch::cat({maps, level}) : level;
  };
  append(out.squared_change, &PixelTest::squared_change);
  append(out.change, &PixelTest::change);
  append(out.p, &PixelTest::p);
}

void select_pixels(ConditioningLocality& out, const LocalityOptions& options) {
  out.corrected = torch::empty_like(out.p);
  for (int64_t level = 0; level < out.p.size(0); ++level) {
    for (int64_t b = 0; b < out.p.size(1); ++b) {
      out.corrected[level][b] = benjamini_hochberg(out.p[level][b]);
    }
  }
  out.dependent = (out.corrected <= options.false_share) & (out.change >= options.smallest_change);
}

}  // namespace

void describe(Describer& d, LocalityOptions& options) {
  d("log_snrs", options.log_snrs, "noise levels of the maps", {.min = -20, .max = 20});
  d("draws", options.draws, "noise draws a picture and level", {.min = 2, .max = 65536});
  d("permutations", options.permutations, "relabellings of the null", {.min = 1, .max = 1000000});
  d("false_share", options.false_share, "expected share of false ones among dependent pixels", {.min = 0, .max = 1});
  d("smallest_change", options.smallest_change,
    "smallest change of a dependent pixel, RMS over channels, pictures in [-1, 1]", {.min = 0});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

ConditioningLocality conditioning_locality(const Denoiser& denoiser, const PictureBatch& batch,
                                           const Contrast& contrast, const LocalityOptions& options,
                                           const Control& control) {
  const at::NoGradGuard no_grad;
  constexpr const char* kWhere = "explain.conditioning_locality";
  const auto& [pictures, noise] = batch;
  const int64_t B = batch.size();
  check_options(options);
  check_shape(kWhere, "pictures", pictures, {B, -1, -1, -1});
  check_shape(kWhere, "contrast.conditions", contrast.conditions, {-1, B, -1});
  check_shape(kWhere, "contrast.true_version", contrast.true_version, {B});
  ConditioningLocality out;
  out.log_snrs = options.log_snrs;
  for (size_t level = 0; level < options.log_snrs.size(); ++level) {
    const double sigma = sigma_of_log_snr(options.log_snrs[level]);
    std::vector<PixelTest> tests;
    for (int64_t b = 0; b < B; ++b) {
      control.throw_if_stopped(kWhere);
      const int64_t first = noise.sample_ids[static_cast<size_t>(b)] * options.draws;
      const Tensor eps = noise.random.normal(Purpose::explain, level, sample_range(first, options.draws),
                                             pictures.sizes().slice(1), pictures.scalar_type());
      const Tensor x = pictures[b] + sigma * eps.to(pictures.device());
      const RelabellingDraws draws{options.permutations, noise.random, kRelabellingStep + level};
      tests.push_back(test_pixels(estimates(denoiser, x, sigma, contrast.conditions.select(1, b), options.pass_size),
                                  contrast.true_version[b].item<int64_t>(), draws));
    }
    add_level(out, tests);
    control.report(
        {"locality", static_cast<double>(level + 1), static_cast<double>(options.log_snrs.size()), "levels", ""});
  }
  select_pixels(out, options);
  return out;
}

void describe(AnswerDescriber& d, const ConditioningLocality& a) {
  d("log_snrs", a.log_snrs, "level", "nats", "noise levels");
  d("change", a.change, "level picture y x", "pixel units", "how far the word moves the estimate alike in every draw",
    {.x = "log_snrs", .null = 0, .higher = "depends more on the word"});
  d("dependent", a.dependent, "level picture y x", "", "whether a pixel depends on the word");
  d("corrected", a.corrected, "level picture y x", "p-value",
    "Benjamini-Hochberg over the pixels of a picture and level");
  d("p", a.p, "level picture y x", "p-value", "uniform where the versions make no difference");
  d("squared_change", a.squared_change, "level picture y x", "pixel units squared", "mean over draws and versions",
    {.x = "log_snrs", .null = 0});
}

namespace {

/// No level beyond those that the model was trained for.
LocalityOptions within(const Subject& subject, LocalityOptions options) {
  std::erase_if(options.log_snrs, [&](double level) { return level > subject.model.log_snr_max; });
  return options;
}

Named<ConditioningLocality> ask_locality(const Subject& subject, const LocalityOptions& options,
                                         const Control& control) {
  Named<ConditioningLocality> out;
  for (const PromptContrast& contrast : subject.contrasts) {
    const Tensor versions = subject.model.condition(contrast.prompts).unsqueeze(1);
    out.names.push_back(contrast.name);
    out.answers.push_back(conditioning_locality(subject.model.denoiser, subject.batch(1),
                                                {versions, torch::full({1}, contrast.true_version, torch::kInt64)},
                                                within(subject, options), control));
  }
  return out;
}

int64_t locality_cost(const Subject& subject, const LocalityOptions& options) {
  int64_t evaluations = 0;
  for (const PromptContrast& contrast : subject.contrasts) {
    evaluations += within(subject, options).cost(1, static_cast<int64_t>(contrast.prompts.size()));
  }
  return evaluations;
}

}  // namespace

Method conditioning_locality_method() {
  return method("conditioning_locality", "Which pixels depend on which word, at which noise level?", {.words = true},
                locality_cost, ask_locality);
}

}  // namespace noisescope::explain
