#include "noisescope/explain/noise_sobol.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// `noise`, where the steps in [from, to) inject that of `other` instead.
NoiseSource with_steps_of(const NoiseSource& noise, const Random& other, int64_t from, int64_t to) {
  NoiseSource out = noise;
  out.random_of_step = [noise, other, from, to](uint64_t step) {
    const auto index = static_cast<int64_t>(step - noise.first_step);
    if (index >= from && index < to) return other;
    return noise.random_of_step ? noise.random_of_step(step) : noise.random;
  };
  return out;
}

}  // namespace

void describe(Describer& d, NoiseSobolOptions& options) {
  d("windows", options.windows, "windows of equally many steps", {.min = 1, .max = 1000});
}

NoiseSobol noise_sobol(const DrawPictures& draw, const ScorePictures& scores, const Tensor& initial,
                       const Tensor& condition, const NoiseSource& noise, int64_t steps,
                       const NoiseSobolOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  if (options.windows < 1 || options.windows > steps) {
    throw ValueError("[explain.noise_sobol] expected 1 .. " + std::to_string(steps) +
                     " windows, one step each at least, got " + std::to_string(options.windows));
  }
  check_shape("explain.noise_sobol", "initial", initial,
              {static_cast<int64_t>(noise.sample_ids.size()), -1, -1, -1});
  const Random other(noise.random.seed() ^ name_hash("noise_sobol"));
  const Tensor other_initial =
      NoiseSource{other, noise.sample_ids}
          .initial(initial.sizes().slice(1), initial.scalar_type()).to(initial.device());
  const double runs = static_cast<double>(options.windows + 3);
  double done = 0;
  const auto score = [&](const Tensor& x, int64_t from, int64_t to) {
    const Tensor values = scores(draw(x, condition, with_steps_of(noise, other, from, to)));
    control.report({"noise sobol", ++done, runs, "runs", ""});
    return values;
  };
  NoiseSobol out;
  for (int64_t w = 0; w <= options.windows; ++w) {
    out.first_steps.push_back(w * steps / options.windows);
  }
  const Tensor a = score(initial, 0, 0), b = score(other_initial, 0, steps);
  std::vector<Tensor> mixed = {score(other_initial, 0, 0)};
  for (size_t w = 0; w + 1 < out.first_steps.size(); ++w) {
    mixed.push_back(score(initial, out.first_steps[w], out.first_steps[w + 1]));
  }
  out.indices = sobol_indices(a, b, torch::stack(mixed));
  return out;
}

}  // namespace noisescope
