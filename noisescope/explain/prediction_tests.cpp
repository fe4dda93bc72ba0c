#include "noisescope/explain/prediction_tests.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/passes.h"
#include "noisescope/stats/multiple_testing.h"
#include "noisescope/stats/relabelling.h"

namespace noisescope::explain {
namespace {

constexpr uint64_t kGroupStep = 1;  // of the draw of groups; relabelling is step 0

/// Correlation of two sets of pixels about the picture's mean 0, [B].
Tensor correlation(const Tensor& a, const Tensor& b) {
  return (a * b).sum({1, 2, 3}) / (a.square().sum({1, 2, 3}) * b.square().sum({1, 2, 3})).sqrt();
}

Tensor channel_correlation(const Tensor& x) {
  const int64_t channels = x.size(1);
  Tensor sum = torch::zeros({x.size(0)}, torch::kFloat64);
  for (int64_t a = 0; a < channels; ++a) {
    for (int64_t b = a + 1; b < channels; ++b) {
      sum += correlation(x.narrow(1, a, 1), x.narrow(1, b, 1)).square();
    }
  }
  return sum / static_cast<double>(channels * (channels - 1) / 2);
}

/// Statistics of eps-hat of one step, [G, K, K, T]: group, picture, whose row of `condition`.
///   groups [G, K]: numbers of pictures
NoiseStatistics statistics_of(const PromptedDenoiser& denoiser, const SamplerStep& step, const Tensor& groups,
                              int64_t pass_size) {
  const Tensor& condition = denoiser.condition;
  const int64_t G = groups.size(0), K = groups.size(1);
  const Tensor x = step.x.to(condition.device());
  const auto all_pairs = [&](const Tensor& numbers) { return numbers.expand({G, K, K}).reshape({-1}).to(x.device()); };
  const Tensor sample = all_pairs(groups.unsqueeze(2));
  const Tensor sigma = torch::full({x.size(0)}, step.sigma, x.options());
  const Tensor versions = condition.index_select(0, all_pairs(groups.unsqueeze(1)));
  const Tensor denoised = denoise_in_passes(denoiser.denoiser, {x, sigma}, versions, sample, pass_size);
  NoiseStatistics statistics =
      noise_statistics(noise_of(x.index_select(0, sample), denoised, sigma.index_select(0, sample)));
  statistics.values = statistics.values.view({G, K, K, -1});
  return statistics;
}

/// z and its p-values from cells (step, statistic).
PredictionTests tests_of(const Relabelled& relabelled, std::vector<std::string> names) {
  constexpr double kResolution = 1e-12;  // statistics are of the order of 1
  const Relabelled z = relabelled.standardised(kResolution);
  const Tensor size = z.observed.abs(), null = z.null.abs();
  const std::vector<int64_t> grid = {-1, static_cast<int64_t>(names.size())};
  return {std::move(names), z.observed.view(grid), relabelling_p(size, null).view(grid),
          relabelling_max_p(size, null).view(grid)};
}

}  // namespace

NoiseStatistics noise_statistics(const Tensor& noise) {
  check_shape("explain.noise_statistics", "noise", noise, {-1, -1, -1, -1});
  const int64_t H = noise.size(2), W = noise.size(3);
  if (noise.size(0) < 1 || H < 4 || W < 4) {
    throw ValueError("[explain.noise_statistics] expected pictures of at least 4x4 pixels, got " +
                     describe_tensor(noise));
  }
  const Tensor raw = noise.to(torch::kCPU, torch::kFloat64);
  const Tensor mean = raw.mean({1, 2, 3});
  const Tensor x = raw - per_sample(mean);
  const Tensor variance = x.square().mean({1, 2, 3});
  if (!(variance > 0).all().item<bool>()) {  // also where it is NaN
    throw NumericError(
        "[explain.noise_statistics] expected finite pictures that are not constant, got "
        "others");
  }
  const auto n = static_cast<double>(x[0].numel());
  NoiseStatistics out;
  std::vector<Tensor> columns;
  const auto add = [&](const char* name, const Tensor& values) {
    out.names.emplace_back(name);
    columns.push_back(values);
  };
  add("mean", mean);
  add("log_variance", variance.log());
  add("skewness", x.pow(3).mean({1, 2, 3}) / variance.pow(1.5));
  add("kurtosis", x.pow(4).mean({1, 2, 3}) / variance.square());
  add("horizontal", correlation(x.slice(3, 0, W - 1), x.slice(3, 1)));
  add("vertical", correlation(x.slice(2, 0, H - 1), x.slice(2, 1)));
  if (x.size(1) >= 2) add("channels", channel_correlation(x));
  add("low_frequency", band_energy(x, 0, 0.25).energy / (variance * n));
  add("high_frequency", band_energy(x, 0.75, 1.1).energy / (variance * n));
  out.values = torch::stack(columns, 1);
  return out;
}

void describe(Describer& d, PredictionTestOptions& options) {
  d("group", options.group, "pictures that exchange their prompts", {.min = 2, .max = 65536});
  d("permutations", options.permutations, "relabellings of the null", {.min = 1, .max = 1000000});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

PredictionTests compare_statistics(const Tensor& statistics, std::vector<std::string> names, int64_t permutations,
                                   const Random& random) {
  const auto T = static_cast<int64_t>(names.size());
  check_shape("explain.compare_statistics", "statistics", statistics, {-1, -1, -1, T});
  const Tensor values = statistics.permute({1, 2, 0, 3}).flatten(2);  // [B, K, S T]
  return tests_of(relabel_blocks(values, torch::zeros({values.size(0)}, torch::kInt64), {permutations, random}),
                  std::move(names));
}

PredictionTests test_predictions(const PromptedDenoiser& denoiser, const std::vector<SamplerStep>& steps,
                                 const PredictionTestOptions& options, const Random& random, const Control& control) {
  const at::NoGradGuard no_grad;
  check_shape("explain.test_predictions", "condition", denoiser.condition, {-1, -1});
  const int64_t B = denoiser.condition.size(0);
  if (steps.empty() || options.group < 2 || options.group > B) {
    throw ValueError(
        format_text("[explain.test_predictions] expected recorded steps and a group of at least 2 and at most all "
                    "pictures, got {} steps, {} of {} pictures",
                    steps.size(), options.group, B));
  }
  const int64_t count = B / options.group * options.group;
  const Tensor groups =
      random.permutation(Purpose::explain, kGroupStep, B).narrow(0, 0, count).view({-1, options.group});
  NoiseStatistics statistics;
  std::vector<Tensor> of_steps;
  for (const SamplerStep& step : steps) {
    control.throw_if_stopped("explain.test_predictions");
    if (!step.x.defined()) {
      throw ValueError("[explain.test_predictions] expected recorded noisy images, got none; record x");
    }
    check_shape("explain.test_predictions", "x", step.x, {B, -1, -1, -1});
    statistics = statistics_of(denoiser, step, groups, options.pass_size);
    of_steps.push_back(statistics.values);
    control.report({"prediction tests", double(of_steps.size()), double(steps.size()), "steps", ""});
  }
  return tests_of(relabel_partners(torch::cat(of_steps, 3), {options.permutations, random}), statistics.names);
}

void describe(AnswerDescriber& d, const NoiseStatistics& a) {
  d("names", a.names, "statistic", "", "the statistics");
  d("values", a.values, "picture statistic", "", "each in its own unit", {.x = "names"});
}

void describe(AnswerDescriber& d, const PredictionTests& a) {
  d("names", a.names, "statistic", "", "the statistics of predicted noise");
  d("z", a.z, "step statistic", "standard deviations", "under the own prompt against permuted ones",
    {.null = 0, .is_signed = true});
  d("corrected", a.corrected, "step statistic", "p-value", "corrected over all steps and statistics (max T)");
  d("p", a.p, "step statistic", "p-value", "two-sided, each test alone");
}

void describe(AnswerDescriber& d, const PredictionTestsOfWord& a) {
  d("word", a.word, "", "", "whose versions exchange their prompts");
  d("pictures", a.pictures, "", "", "trajectories tested");
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels of the steps");
  describe(d, a.tests);
}

void describe(Describer& d, PredictionTestQuestion& question) {
  d("groups", question.groups, "new trajectories of each version of the word", {.min = 1, .max = 10000});
  d("permutations", question.permutations, "relabellings of the null", {.min = 1, .max = 1000000});
  d("pass_size", question.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

namespace {

PredictionTestsOfWord ask_predictions(const Subject& subject, const PredictionTestQuestion& question,
                                      const Control& control) {
  const PromptContrast& contrast = subject.contrasts.front();
  std::vector<std::string> prompts;
  for (int64_t i = 0; i < question.groups; ++i) {
    prompts.insert(prompts.end(), contrast.prompts.begin(), contrast.prompts.end());
  }
  const Trajectory trajectory = subject.fresh(prompts);
  TrajectoryRecorder recorder{{.denoised = false, .conditional = false, .unconditional = false}};
  trajectory.redraw({}, recorder.observer(), control);
  PredictionTestsOfWord out{contrast.name, trajectory.count(), {}, {}};
  for (const SamplerStep& step : recorder.steps()) out.log_snrs.push_back(log_snr_of(step.sigma));
  out.tests = test_predictions({subject.model.denoiser, trajectory.condition()}, recorder.steps(),
                               {.group = static_cast<int64_t>(contrast.prompts.size()),
                                .permutations = question.permutations,
                                .pass_size = question.pass_size},
                               Random(subject.seed), control);
  return out;
}

int64_t prediction_cost(const Subject& subject, const PredictionTestQuestion& question) {
  const auto versions = static_cast<int64_t>(subject.contrasts.front().prompts.size());
  const Sampling& sampling = subject.trajectory.sampling();
  return question.groups * versions * (sampling.evaluations() + sampling.steps() * versions);
}

}  // namespace

Method prediction_tests_method() {
  return method("prediction_tests", "Does the prompt leave a pattern in the predicted noise?",
                {.trajectory = true, .words = true}, prediction_cost, ask_predictions);
}

}  // namespace noisescope::explain
