// Shares of seed, prompt and their interaction, where each picture is a known linear function of
// its seed's noise: DDIM on Gaussian pixels whose mean and variance the prompt sets.
#include "noisescope/explain/seed_share.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kSeeds = 256;  // of one group

std::vector<double> levels() { return {8, 4, 2, 1, 0.5, 0.25, 0}; }

/// Mean and variance of the pixels under each prompt, [P, 2].
Tensor prompts() {
  return torch::tensor({{-1.0, 0.2}, {-0.4, 0.6}, {0.1, 1.0}, {0.5, 1.8}, {1.2, 3.0}}, torch::kDouble);
}

/// E[x_0 | x] of pixels N(mean, variance).
Tensor gaussian_denoiser(const Tensor& x, const Tensor& sigma, const Tensor& condition) {
  const Tensor mean = per_sample(condition.select(1, 0)), variance = condition.select(1, 1);
  return mean + (x - mean) * per_sample(variance / (variance + sigma.square()));
}

/// DDIM carries x = offset + gain eps to the same with x' - D = (sigma' / sigma) (x - D); for the
/// picture of prompt p, [P, 2]: offset and gain.
Tensor linear_pictures() {
  const std::vector<double> sigmas = levels();
  std::vector<Tensor> rows;
  for (const Tensor& prompt : prompts().unbind(0)) {
    const double mean = prompt[0].item<double>(), variance = prompt[1].item<double>();
    double offset = 0, gain = sigmas[0];
    for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
      const double shrink = variance / (variance + sigmas[i] * sigmas[i]);
      const double keep = shrink + sigmas[i + 1] / sigmas[i] * (1 - shrink);
      offset = mean + (offset - mean) * keep;
      gain *= keep;
    }
    rows.push_back(torch::tensor({offset, gain}, torch::kDouble));
  }
  return torch::stack(rows);
}

/// Shares of seed, prompt and interaction in what the components of the analysis of variance are on
/// average over seeds, the prompts as they are, [3].
Tensor closed_seed_shares() {
  const Tensor lines = linear_pictures();
  const Tensor offsets = lines.select(1, 0), gains = lines.select(1, 1);
  const Tensor interaction = gains.var();
  const Tensor seed = gains.mean().square() - interaction / static_cast<double>(gains.size(0));
  // E MS_seed = P mean(gains)^2, E MS_sp = var(gains), E MS_prompt = S var(offsets) + var(gains).
  const Tensor parts = torch::stack({seed, offsets.var(), interaction});
  return parts / parts.sum();
}

/// Pictures of group `group` without prompt.
Trajectory seeds_of(const VerifyContext& context, int64_t group) {
  const NoiseSource noise{Random(context.options.seed), sample_range(group * kSeeds, kSeeds)};
  const Tensor none = torch::zeros({kSeeds, 2}, torch::kDouble);
  return {{gaussian_denoiser, levels(), {.solver = Solver::ddim}, {.clamp = 0}, kSeeds},
          {none, none, noise.initial({1, 1, 1}, torch::kDouble), noise}};
}

Tensor seed_grid(const VerifyContext& context, int64_t group) {
  const auto pixel = [](const Tensor& x) { return x.flatten(1).slice(1, 0, 1); };
  const GridOfPictures grid = context.seen(&Seams::grid, attribute_grid);
  return grid(seeds_of(context, group), pixel, prompts(), context.control);
}

}  // namespace

VerifyRows check_seed_share(const VerifyContext& context) {
  const int64_t groups = context.n(64, 32);
  std::vector<Tensor> found;
  for (int64_t g = 0; g < groups; ++g) {
    const VarianceShares shares = seed_shares(seed_grid(context, g));
    found.push_back(torch::cat({shares.seed, shares.prompt, shares.interaction}));
  }
  const Tensor error = torch::stack(found) - closed_seed_shares();
  VerifyRows rows;
  const std::vector<std::string> names = {"seed", "prompt", "interaction"};
  for (size_t k = 0; k < names.size(); ++k) {
    rows.push_back({"seed_share", "exact Gaussian", "share of the " + names[k] + ": error", Direction::at_most, 0.02,
                    absolute(mean_estimate(error.select(1, static_cast<int64_t>(k))))});
  }
  return rows;
}

}  // namespace noisescope::verify
