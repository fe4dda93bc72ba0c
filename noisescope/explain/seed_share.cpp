#include "noisescope/explain/seed_share.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"

namespace noisescope {
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
    without.push_back(shares_of(torch::cat(
        {grid.slice(dim, 0, i), grid.slice(dim, i + 1, count)}, dim)));
  }
  return torch::stack(without).var(0, /*unbiased=*/false) * static_cast<double>(count - 1);
}

}  // namespace

VarianceShares seed_shares(const Tensor& grid) {
  check_shape("explain.seed_shares", "grid", grid, {-1, -1, -1});
  if (grid.size(0) < 3 || grid.size(1) < 3) {
    throw ValueError("[explain.seed_shares] expected at least 3 seeds and 3 prompts, got " +
                     std::to_string(grid.size(0)) + " and " + std::to_string(grid.size(1)));
  }
  const Tensor y = grid.to(torch::kCPU, torch::kFloat64);
  const Tensor shares = shares_of(y);
  const Tensor errors = (jackknife_variance(y, 0) + jackknife_variance(y, 1)).sqrt();
  return {shares[0], shares[1], shares[2], errors[0], errors[1], errors[2]};
}

Tensor attribute_grid(const DrawPictures& draw, const ScorePictures& scores, const Tensor& initial,
                      const Tensor& conditions, const NoiseSource& noise, const Control& control) {
  const torch::NoGradGuard no_grad;
  check_shape("explain.attribute_grid", "conditions", conditions, {-1, -1});
  const int64_t seeds = initial.size(0), prompts = conditions.size(0);
  std::vector<Tensor> columns;
  for (int64_t p = 0; p < prompts; ++p) {
    columns.push_back(scores(draw(initial, conditions[p].expand({seeds, -1}), noise)));
    control.report({"seed share", double(p + 1), double(prompts), "prompts", ""});
  }
  if (columns.empty()) {
    throw ValueError("[explain.attribute_grid] expected at least one prompt, got none");
  }
  return torch::stack(columns, 1);
}

}  // namespace noisescope
