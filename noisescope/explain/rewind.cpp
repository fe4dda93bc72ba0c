#include "noisescope/explain/rewind.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

/// Pictures and clean estimates of one arm.
struct Arm {
  Tensor pictures;   // [B, C, H, W]
  Tensor estimates;  // [n, B, C, H, W]
};

Arm go_on(const Trajectory& trajectory, const Change& change, const Control& control) {
  std::vector<std::vector<Tensor>> estimates;  // by step, then by pass
  const SamplerObserver keep = [&](const SamplerStep& step) {
    if (estimates.empty()) estimates.resize(static_cast<size_t>(step.count));
    estimates[static_cast<size_t>(step.index)].push_back(step.prediction.denoised.to(torch::kCPU));
  };
  Arm arm{trajectory.redraw(change, keep, control), {}};
  std::vector<Tensor> steps;
  for (const std::vector<Tensor>& passes : estimates) steps.push_back(torch::cat(passes));
  arm.estimates = torch::stack(steps);
  return arm;
}

}  // namespace

Rewound rewind(const Trajectory& trajectory, const Change& change, const Control& control) {
  const at::NoGradGuard no_grad;
  const Arm before = go_on(trajectory, {.step = change.step}, control);
  const Arm after = go_on(trajectory, change, control);
  const auto squares = [](const Tensor& a, const Tensor& b) {
    return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).square();
  };
  return {before.pictures, after.pictures, squares(after.pictures, before.pictures).sum(1).to(torch::kCPU),
          squares(after.estimates, before.estimates).mean({2, 3, 4}).sqrt()};
}

Tensor changed_factors(const Rewound& rewound, const ReadFactors& read) {
  const Tensor before = read(rewound.unaltered), after = read(rewound.altered);
  check_shape("explain.changed_factors", "factors", before, {rewound.unaltered.size(0), -1});
  check_shape("explain.changed_factors", "factors", after, {before.size(0), before.size(1)});
  return before != after;
}

void describe(AnswerDescriber& d, const Rewound& a) {
  d("unaltered", a.unaltered, "picture channel y x", "pixel units", "nothing changed");
  d("altered", a.altered, "picture channel y x", "pixel units", "with the change");
  d("change", a.change, "picture y x", "pixel units squared", "squared difference, summed over channels", {.null = 0});
  d("divergence", a.divergence, "step picture", "pixel units", "root mean square difference of the clean estimates",
    {.null = 0});
}

void describe(AnswerDescriber& d, const RewoundWord& a) {
  d("word", a.change, "", "", "what changed");
  d("step", a.step, "", "step", "from which on");
  d("log_snr", a.log_snr, "", "nats", "noise level of that step");
  describe(d, a.rewound);
}

void describe(Describer& d, RewindOptions& options) {
  d("at", options.at, "share of the steps that stay as they are", {.min = 0, .max = 1, .below_max = true});
}

namespace {

Change change_of(const Subject& subject, const RewindOptions& options) {
  return {.step = static_cast<int64_t>(options.at * static_cast<double>(subject.trajectory.sampling().steps()))};
}

RewoundWord ask_rewind(const Subject& subject, const RewindOptions& options, const Control& control) {
  const PromptContrast& contrast = subject.contrasts.front();
  const size_t next = static_cast<size_t>(contrast.true_version + 1) % contrast.values.size();
  Change change = change_of(subject, options);
  change.condition = subject.model.condition({contrast.prompts[next]}).expand({subject.trajectory.count(), -1});
  const double sigma = subject.trajectory.sampling().sigmas[static_cast<size_t>(change.step)];
  return {contrast.name + " to " + contrast.values[next], change.step, log_snr_of(sigma),
          rewind(subject.trajectory, change, control)};
}

int64_t cost_of_rewind(const Subject& subject, const RewindOptions& options) {
  const Sampling& sampling = subject.trajectory.sampling();
  return sampling.branches() * sampling.stages() *
         rewind_cost(change_of(subject, options), sampling.steps(), subject.trajectory.count());
}

}  // namespace

Method rewind_method() {
  return method("rewind", "What if a word had changed half way?", {.trajectory = true, .words = true}, cost_of_rewind,
                ask_rewind);
}

}  // namespace noisescope::explain
