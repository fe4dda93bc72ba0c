#include "noisescope/explain/seed_share.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

/// Shares of variance [3, F] of a grid [S, P, F]: seed, prompt, interaction.
Tensor shares_of(const Tensor& grid) {
  const auto seeds = static_cast<double>(grid.size(0)), prompts = static_cast<double>(grid.size(1));
  const Tensor mean = grid.mean({0, 1}, true);
  const Tensor of_seed = grid.mean(1, true) - mean, of_prompt = grid.mean(0, true) - mean;
  const Tensor rest = grid - mean - of_seed - of_prompt;
  const Tensor both = rest.square().sum({0, 1}) / ((seeds - 1) * (prompts - 1));
  const Tensor seed = of_seed.square().sum({0, 1}) / (seeds - 1) - both / prompts;
  const Tensor prompt = of_prompt.square().sum({0, 1}) / (prompts - 1) - both / seeds;
  const Tensor parts = torch::stack({seed, prompt, both});
  return parts / parts.sum(0);
}

/// Jackknife variance [3, F] of the shares from leaving out each index of `dim` once (Tukey 1958).
Tensor jackknife_variance(const Tensor& grid, int64_t dim) {
  const int64_t count = grid.size(dim);
  std::vector<Tensor> without;
  for (int64_t i = 0; i < count; ++i) {
    without.push_back(shares_of(torch::cat({grid.slice(dim, 0, i), grid.slice(dim, i + 1, count)}, dim)));
  }
  return torch::stack(without).var(0, /*unbiased=*/false) * static_cast<double>(count - 1);
}

}  // namespace

VarianceShares seed_shares(const Tensor& grid) {
  check_shape("explain.seed_shares", "grid", grid, {-1, -1, -1});
  if (grid.size(0) < 3 || grid.size(1) < 3) {
    throw ValueError(format_text("[explain.seed_shares] expected at least 3 seeds and 3 prompts, got {} and {}",
                                 grid.size(0), grid.size(1)));
  }
  const Tensor y = grid.to(torch::kCPU, torch::kFloat64);
  const Tensor shares = shares_of(y);
  const Tensor errors = (jackknife_variance(y, 0) + jackknife_variance(y, 1)).sqrt();
  return {shares[0], shares[1], shares[2], errors[0], errors[1], errors[2]};
}

Tensor attribute_grid(const Trajectory& trajectory, const ScorePictures& scores, const Tensor& conditions,
                      const Control& control) {
  const torch::NoGradGuard no_grad;
  check_shape("explain.attribute_grid", "conditions", conditions, {-1, -1});
  const int64_t seeds = trajectory.count(), prompts = conditions.size(0);
  std::vector<Tensor> columns;
  for (int64_t p = 0; p < prompts; ++p) {
    const Change change{.condition = conditions[p].expand({seeds, -1})};
    columns.push_back(scores(trajectory.redraw(change, {}, {{}, control.stop})));
    control.report({"seed share", double(p + 1), double(prompts), "prompts", ""});
  }
  if (columns.empty()) {
    throw ValueError("[explain.attribute_grid] expected at least one prompt, got none");
  }
  return torch::stack(columns, 1);
}

void describe(AnswerDescriber& d, const VarianceShares& a) {
  d("seed", a.seed, "attribute", "share", "of the variance that the seed explains; NaN: none",
    {.error = "seed_error", .null = 0});
  d("prompt", a.prompt, "attribute", "share", "of the variance that the prompt explains; NaN: none",
    {.error = "prompt_error", .null = 0});
  d("interaction", a.interaction, "attribute", "share", "of the variance that only both together explain; NaN: none",
    {.error = "interaction_error", .null = 0});
  d("seed_error", a.seed_error, "attribute", "share", "standard error; NaN: no variance");
  d("prompt_error", a.prompt_error, "attribute", "share", "standard error; NaN: no variance");
  d("interaction_error", a.interaction_error, "attribute", "share", "standard error; NaN: no variance");
}

void describe(AnswerDescriber& d, const SeedShare& a) {
  d("prompts", a.prompts, "prompt", "", "of the grid");
  d("seeds", a.seeds, "", "", "of the grid");
  describe(d, a.shares);
}

void describe(Describer& d, SeedShareQuestion& question) {
  d("seeds", question.seeds, "seeds of the grid", {.min = 3, .max = 100000});
  d("prompts", question.prompts, "versions of the word, at most", {.min = 3, .max = 1000});
}

namespace {

/// Versions of the first word that has at least three.
std::vector<std::string> grid_prompts(const Subject& subject, int64_t most) {
  for (const PromptContrast& contrast : subject.contrasts) {
    if (contrast.prompts.size() < 3) continue;
    const size_t count = std::min(contrast.prompts.size(), static_cast<size_t>(most));
    return {contrast.prompts.begin(), contrast.prompts.begin() + static_cast<long>(count)};
  }
  return {};
}

SeedShare ask_shares(const Subject& subject, const SeedShareQuestion& question, const Control& control) {
  const std::vector<std::string> prompts = grid_prompts(subject, question.prompts);
  if (prompts.empty()) {
    throw ValueError(
        "[explain.seed_share] expected a word with at least 3 versions, got none; name more --alternatives");
  }
  const Trajectory trajectory = subject.fresh(question.seeds);
  return {prompts, question.seeds,
          seed_shares(attribute_grid(trajectory, word_margins(subject), subject.model.condition(prompts), control))};
}

int64_t shares_cost(const Subject& subject, const SeedShareQuestion& question) {
  const auto prompts = static_cast<int64_t>(grid_prompts(subject, question.prompts).size());
  return question.seeds * prompts * subject.trajectory.sampling().evaluations();
}

}  // namespace

Method seed_share_method() {
  return method("seed_share", "How much did the seed decide, how much the prompt?",
                {.trajectory = true, .words = true, .reader = true}, shares_cost, ask_shares);
}

}  // namespace noisescope::explain
