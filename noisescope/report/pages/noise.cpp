#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"

namespace noisescope {
namespace {

constexpr const char* kNoiseProse =
    "Is the noise noise? The first noise, and what a stochastic solver injects, are tested against independent "
    "standard normal pixels; small corrected p-values would mean a pattern. The noise that the network "
    "predicts is no such noise, however good the network: it is a mean over what is possible, so its size "
    "falls below 1 where noise and picture cannot be told apart. Its curve is shown, not tested against noise.\n\n"
    "Whether the prompt leaves a pattern in it is tested against permuted prompts: new runs of the versions of the "
    "first word are asked again with each other's prompts. On the exact world the own prompts are found in at least "
    "90 % of tests, strangers' prompts in 5 %.";

constexpr int64_t kGroups = 4;  // of runs that exchange their prompts

PredictionTestOptions test_options(const ExplainContext& context) {
  return {.group = static_cast<int64_t>(context.contrasts.front().prompts.size()),
          .permutations = 999};
}

int64_t tested_runs(const ExplainContext& context) {
  return context.contrasts.empty() ? 0 : kGroups * test_options(context).group;
}

/// All noise that the run injected: it is addressed, so it can be drawn again.
Tensor injected_noise(const ExplainContext& context) {
  std::vector<Tensor> steps;
  for (size_t i = 0; i + 1 < context.run.steps.size(); ++i) {
    steps.push_back(context.run.noise.step(i, context.picture.sizes()));
  }
  return torch::cat(steps);
}

/// Root mean square of the predicted noise, [S, B].
Tensor predicted_size(const std::vector<SamplerStep>& steps, Tensor Prediction::*branch) {
  std::vector<Tensor> sizes;
  for (const SamplerStep& step : steps) {
    const Tensor eps = (step.x - step.prediction.*branch) / step.sigma;
    sizes.push_back(eps.to(torch::kFloat64).square().mean({1, 2, 3}).sqrt());
  }
  return torch::stack(sizes);
}

/// Statistics of eps-hat under the own prompts against those under permuted ones.
void add_prediction_tests(const ExplainContext& context, Explained& out) {
  const int64_t runs = tested_runs(context);
  if (runs == 0) return;
  const PromptContrast& contrast = context.contrasts.front();
  std::vector<std::string> prompts;
  for (int64_t i = 0; i < kGroups; ++i) {
    prompts.insert(prompts.end(), contrast.prompts.begin(), contrast.prompts.end());
  }
  const Tensor condition = context.model.condition(prompts);
  const RunNoise seeds = seed_noise(context, runs);
  const std::vector<double> sigmas = context.sigmas();
  TrajectoryRecorder recorder{{.denoised = false, .conditional = false, .unconditional = false}};
  run_sampler(guide(context.model.denoiser(), condition, context.null_condition(runs),
                    context.config.sample.guidance),
              seeds.initial * sigmas[0], sigmas, context.config.sample.sampler, seeds.noise,
              recorder.observer(), context.control);
  const PredictionTests tests =
      test_predictions(context.model.denoiser(), recorder.steps(), condition, test_options(context),
                       Random(context.request.seed));
  Table table{text_of("Predicted noise under the own prompt against permuted prompts (versions of \"%s\", %lld "
                      "runs): the step where each statistic differs most; p corrected over all steps and "
                      "statistics.", contrast.word.c_str(), static_cast<long long>(runs)),
              {"statistic", "log-SNR", "z (0: no difference)", "p"}, {}};
  for (size_t t = 0; t < tests.names.size(); ++t) {
    const auto at = static_cast<int64_t>(t);
    const auto step = tests.z.select(1, at).abs().argmax().item<int64_t>();
    const double log_snr = -2 * std::log(sigmas[static_cast<size_t>(step)]);
    const double z = tests.z[step][at].item<double>(), p = tests.corrected[step][at].item<double>();
    table.rows.push_back({tests.names[t], text_of("%.1f", log_snr), text_of("%.1f", z), text_of("%.3f", p)});
    out.json["permuted_prompts"].push_back(
        {{"statistic", tests.names[t]}, {"log_snr", log_snr}, {"z", z}, {"p", p}});
  }
  out.section.tables.push_back(std::move(table));
  out.tensors.tensors = {{"permuted_prompts.z", tests.z}, {"permuted_prompts.p", tests.corrected}};
}

int64_t noise_cost(const ExplainContext& context) {
  const auto steps = static_cast<int64_t>(context.sigmas().size()) - 1;
  const int64_t runs = tested_runs(context);
  return runs == 0 ? 0 : branches_of(context) * steps * runs + test_options(context).cost(steps, runs);
}

Explained explain_noise(const ExplainContext& context) {
  Explained out{{"Is the noise noise?", kNoiseProse, {}, {}, {}, {}}};
  const auto& steps = context.run.steps;
  const NoiseTests first = test_noise(steps.front().x / steps.front().sigma);
  const bool stochastic = injects_noise(context.config.sample.sampler);
  const NoiseTests injected = stochastic ? test_noise(injected_noise(context)) : NoiseTests{};
  Table table{"p-values of all pictures together, corrected for the number of tests (Holm); below 0.05 "
              "there is a pattern.", {"test", "first noise"}, {}};
  if (stochastic) table.header.push_back("injected noise");
  for (size_t t = 0; t < first.names.size(); ++t) {
    const auto at = static_cast<int64_t>(t);
    std::vector<std::string> row = {first.names[t],
                                    text_of("%.3f", first.corrected[at].item<double>())};
    out.json["first_noise"][first.names[t]] = first.corrected[at].item<double>();
    if (stochastic) {
      row.push_back(text_of("%.3f", injected.corrected[at].item<double>()));
      out.json["injected_noise"][first.names[t]] = injected.corrected[at].item<double>();
    }
    table.rows.push_back(std::move(row));
  }
  out.section.tables.push_back(std::move(table));
  add_prediction_tests(context, out);
  std::vector<double> x;
  for (const SamplerStep& step : steps) x.push_back(-2 * std::log(step.sigma));
  Plot plot;
  plot.title = "Size of the predicted noise";
  plot.description = "Root mean square of the predicted noise over the noise level.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "root mean square";
  plot.second_x = timestep_axis(context.config.precondition.schedule);
  plot.rules = {{false, 1, "true noise"}};
  plot.series = {
      mean_series("with prompt", x, predicted_size(steps, &Prediction::conditional)),
      mean_series("without", x, predicted_size(steps, &Prediction::unconditional))};
  out.add_svg("predicted_noise.svg", render_svg(plot), "Mean and 95 % interval over the pictures.");
  return out;
}

}  // namespace

Explainer noise_explainer() {
  return {"noise", "Is the noise noise?", {.run = true, .branches = true}, noise_cost, explain_noise};
}

}  // namespace noisescope
