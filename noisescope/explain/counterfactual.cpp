#include "noisescope/explain/counterfactual.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {

void describe(Describer& d, CounterfactualOptions& options) {
  d("changed", options.changed, "squared change from which a pixel counts as changed", {.min = 0});
}

Tensor Counterfactual::share_in(const Tensor& region) const {
  check_shape("explain.Counterfactual.share_in", "change", change, {-1, -1, -1});
  if (region.dim() != 2 || region.size(0) != change.size(1) || region.size(1) != change.size(2)) {
    check_shape("explain.Counterfactual.share_in", "region", region, {change.size(0), change.size(1), change.size(2)});
  }
  const Tensor inside = region.to(torch::kCPU, torch::kFloat64);
  return (change * inside).sum({1, 2}) / change.sum({1, 2});
}

Tensor Counterfactual::factors_changed(const ReadFactors& read) const { return read(pictures).ne(read(altered)); }

Counterfactual compare_pictures(const Tensor& pictures, const Tensor& altered, const CounterfactualOptions& options) {
  check_shape("explain.compare_pictures", "pictures", pictures, {-1, -1, -1, -1});
  check_shape("explain.compare_pictures", "altered", altered,
              {pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
  if (!(options.changed >= 0)) {
    throw ValueError(format_text("[explain.compare_pictures] expected changed >= 0, got {}", options.changed));
  }
  const Tensor change = (altered - pictures).to(torch::kCPU, torch::kFloat64).square().sum(1);
  return {pictures, altered, change, change > options.changed};
}

Counterfactual counterfactual(const Trajectory& trajectory, const Tensor& altered, const CounterfactualOptions& options,
                              const Control& control) {
  return compare_pictures(trajectory.pictures(control), trajectory.redraw({.condition = altered}, {}, control),
                          options);
}

void describe(AnswerDescriber& d, const Counterfactual& a) {
  d("pictures", a.pictures, "picture channel y x", "pixel units", "as prompted");
  d("altered", a.altered, "picture channel y x", "pixel units", "from the same noise, with the word changed");
  d("change", a.change, "picture y x", "pixel units squared", "squared difference, summed over channels", {.null = 0});
  d("changed", a.changed, "picture y x", "", "whether the change of a pixel exceeds the option");
}

namespace {

/// Each word by its next version.
Named<Counterfactual> ask_counterfactual(const Subject& subject, const CounterfactualOptions& options,
                                         const Control& control) {
  Named<Counterfactual> out;
  for (const PromptContrast& contrast : subject.contrasts) {
    const size_t next = static_cast<size_t>(contrast.true_version + 1) % contrast.values.size();
    const Tensor altered = subject.model.condition({contrast.prompts[next]}).expand({subject.trajectory.count(), -1});
    out.names.push_back(contrast.name + " to " + contrast.values[next]);
    out.answers.push_back(counterfactual(subject.trajectory, altered, options, control));
  }
  return out;
}

int64_t counterfactual_cost(const Subject& subject, const CounterfactualOptions&) {
  return static_cast<int64_t>(subject.contrasts.size()) * subject.trajectory.count() *
         subject.trajectory.sampling().evaluations();
}

}  // namespace

Method counterfactual_method() {
  return method("counterfactual", "What would be different with another word?", {.trajectory = true, .words = true},
                counterfactual_cost, ask_counterfactual);
}

}  // namespace noisescope::explain
