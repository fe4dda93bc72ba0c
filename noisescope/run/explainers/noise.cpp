#include "noisescope/explain/noise_tests.h"
#include "noisescope/run/explainers/explainers.h"
#include "noisescope/run/figures.h"

namespace noisescope {
namespace {

constexpr const char* kProse =
    "Is the noise noise? The first noise, and what a stochastic solver injects, are tested against independent "
    "standard normal pixels; small corrected p-values would mean a pattern. The noise that the network "
    "predicts is no such noise, however good the network: it is a mean over what is possible, so its size "
    "falls below 1 where noise and picture cannot be told apart. Its curve is shown, not tested.";

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

Explained explain_noise(const ExplainContext& context) {
  Explained out{{"Is the noise noise?", kProse, {}, {}, {}, {}}};
  const auto& steps = context.run.steps;
  const NoiseTests first = test_noise(steps.front().x / steps.front().sigma);
  const bool stochastic = injects_noise(context.config.draw.sampler);
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
  return {"noise", "Is the noise noise?", {.run = true, .branches = true},
          [](const ExplainContext&) { return int64_t{0}; }, explain_noise};
}

}  // namespace noisescope
