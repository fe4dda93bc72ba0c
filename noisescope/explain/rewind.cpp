#include "noisescope/explain/rewind.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

constexpr const char* kWhere = "explain.rewind";

/// Pictures and clean estimates of one arm.
struct Arm {
  Tensor pictures;   // [B, C, H, W]
  Tensor estimates;  // [n, B, C, H, W]
};

void check_run(const RecordedRun& run, int64_t from) {
  const auto count = static_cast<int64_t>(run.steps.size());
  for (int64_t i = 0; i < count; ++i) {
    const SamplerStep& step = run.steps[static_cast<size_t>(i)];
    if (step.index != i || step.count != count) {
      throw ValueError("[explain.rewind] expected the steps of one whole run, got step " +
                       std::to_string(step.index) + " of " + std::to_string(step.count) +
                       " at place " + std::to_string(i) + "; record one batch alone");
    }
  }
  if (from < 0 || from >= count) {
    throw ValueError("[explain.rewind] expected a step in [0, " + std::to_string(count) + "), got " +
                     std::to_string(from));
  }
  const Tensor& x = run.steps[static_cast<size_t>(from)].x;
  if (!x.defined()) {
    throw ValueError("[explain.rewind] expected a record of the noisy images, got none; record x");
  }
  check_shape(kWhere, "x", x, {run.condition.size(0), -1, -1, -1});
  if (!x.isfinite().all().item<bool>()) {
    throw NumericError("[explain.rewind] expected finite recorded images, got NaN or infinity at step " +
                       std::to_string(from));
  }
}

void check_block(const NoiseBlock& block, const SamplerStep& step, const NoiseSource& noise) {
  const bool inside = block.top >= 0 && block.left >= 0 && block.height >= 1 && block.width >= 1 &&
                      block.top + block.height <= step.x.size(2) &&
                      block.left + block.width <= step.x.size(3);
  if (!inside) {
    throw ValueError("[explain.rewind] expected a block inside the picture, got " +
                     std::to_string(block.height) + "x" + std::to_string(block.width) + " at (" +
                     std::to_string(block.top) + ", " + std::to_string(block.left) + ") of " +
                     describe_tensor(step.x));
  }
  if (!step.prediction.denoised.defined() ||
      static_cast<int64_t>(noise.sample_ids.size()) != step.x.size(0)) {
    throw ValueError("[explain.rewind] expected recorded estimates and a sample id for each picture to "
                     "draw a block of noise anew; record denoised");
  }
}

/// x_k with the noise of the block drawn anew.
Tensor with_block(const NoiseBlock& block, const SamplerStep& step, const NoiseSource& noise) {
  check_block(block, step, noise);
  const auto inside = [&](const Tensor& t) {
    return t.narrow(2, block.top, block.height).narrow(3, block.left, block.width);
  };
  Tensor x = step.x.clone();
  const Tensor eps =
      block.random.normal(Purpose::explain, static_cast<uint64_t>(step.index), noise.sample_ids,
                          {x.size(1), block.height, block.width}, x.scalar_type());
  inside(x).copy_(inside(step.prediction.denoised) + step.sigma * eps.to(x.device()));
  return x;
}

Arm go_on(const RecordedRun& run, const Alteration& alteration, const Control& control) {
  const SamplerStep& start = run.steps[static_cast<size_t>(alteration.step)];
  const Tensor condition = alteration.condition.defined() ? alteration.condition : run.condition;
  check_shape(kWhere, "condition", condition, {run.condition.size(0), run.condition.size(1)});
  GuidanceOptions guidance = run.guidance;
  guidance.scale = alteration.scale.value_or(guidance.scale);
  NoiseSource noise = run.noise;
  noise.first_step += static_cast<uint64_t>(alteration.step);
  if (alteration.remaining_noise) {
    noise.random = *alteration.remaining_noise;
    noise.random_of_step = {};
    noise.given = Tensor();
  }
  std::vector<double> sigmas;
  for (size_t i = static_cast<size_t>(alteration.step); i < run.steps.size(); ++i) {
    sigmas.push_back(run.steps[i].sigma);
  }
  sigmas.push_back(0);
  const Tensor x = alteration.block ? with_block(*alteration.block, start, run.noise) : start.x;
  std::vector<Tensor> estimates;
  const SamplerObserver keep = [&](const SamplerStep& step) {
    estimates.push_back(step.prediction.denoised.to(torch::kCPU));
  };
  const Tensor pictures = run_sampler(guide(run.denoiser, condition, run.null_condition, guidance),
                                      x.to(condition.device()), sigmas, run.sampler, noise, keep,
                                      control);
  return {pictures, torch::stack(estimates)};
}

}  // namespace

Rewound rewind(const RecordedRun& run, const Alteration& alteration, const Control& control) {
  const at::NoGradGuard no_grad;
  check_shape(kWhere, "run.condition", run.condition, {-1, -1});
  check_run(run, alteration.step);
  const Arm unaltered = go_on(run, {.step = alteration.step}, control);
  const Arm altered = go_on(run, alteration, control);
  const auto squares = [](const Tensor& a, const Tensor& b) {
    return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).square();
  };
  return {unaltered.pictures, altered.pictures,
          squares(altered.pictures, unaltered.pictures).sum(1).to(torch::kCPU),
          squares(altered.estimates, unaltered.estimates).mean({2, 3, 4}).sqrt()};
}

Tensor changed_factors(const Rewound& rewound, const ReadFactors& read) {
  const Tensor before = read(rewound.unaltered), after = read(rewound.altered);
  check_shape("explain.changed_factors", "factors", before, {rewound.unaltered.size(0), -1});
  check_shape("explain.changed_factors", "factors", after, {before.size(0), before.size(1)});
  return before != after;
}

}  // namespace noisescope
