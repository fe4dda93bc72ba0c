// xNoise's reverse steps, through the sampler that everybody uses.
#include <gtest/gtest.h>

#include "noisescope/diffusion/precondition.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

const TensorFile& xnoise_golden() {
  static const TensorFile file = read_safetensors(NOISESCOPE_SOURCE_DIR "/tests/golden/xnoise-network.safetensors");
  return file;
}

ScheduleOptions xnoise_schedule() { return {.kind = ScheduleKind::linear, .timesteps = 300}; }

TEST(XNoiseProcess, ItsBetasAreLinearAndNotRescaled) {
  const Schedule schedule(xnoise_schedule());
  for (int64_t t = 1; t <= 300; ++t) {
    EXPECT_NEAR(schedule.beta(t), xnoise_golden().at("beta")[t - 1].item<double>(), 1e-8);
    EXPECT_NEAR(schedule.alpha_bar(t), xnoise_golden().at("alpha_bar")[t - 1].item<double>(), 1e-6);
  }
}

TEST(XNoiseProcess, TheNetworkIsToldTheShareOfTimeFromZero) {
  PreconditionOptions options;
  options.parametrization = Parametrization::eps;
  options.noise_label = NoiseLabel::timestep_share;
  options.schedule = xnoise_schedule();
  const Schedule schedule(xnoise_schedule());
  const Tensor sigma = torch::tensor({schedule.sigma(1), schedule.sigma(151), schedule.sigma(300)}, torch::kDouble);
  const Tensor label = coefficients(options, sigma).c_noise;
  EXPECT_NEAR(label[0].item<double>(), 0, 1e-9);
  EXPECT_NEAR(label[1].item<double>(), 0.5, 1e-9);
  EXPECT_NEAR(label[2].item<double>(), 299.0 / 300, 1e-9);
}

/// The seed scales eps by (1 - alpha_t) / sqrt(1 - alpha_bar_t) from float32 tables, where both
/// differences have lost digits: at t = 1 a part in ten thousand. Its factor over the right one.
double rounding_of(const Schedule& schedule, int64_t t) {
  const float alpha = 1 - xnoise_golden().at("beta")[t - 1].item<float>();
  const float alpha_bar = xnoise_golden().at("alpha_bar")[t - 1].item<float>();
  const double seed = static_cast<double>(1 - alpha) / std::sqrt(static_cast<double>(1 - alpha_bar));
  return seed / (schedule.beta(t) / std::sqrt(1 - schedule.alpha_bar(t)));
}

/// x of the seed after its step from t (counted from 1), drawn by ours, in the VP scale.
struct XNoiseStep {
  Tensor next;
  Tensor noise;  // that ours added, of unit variance
};

/// The network's eps is multiplied by `rounding`.
XNoiseStep step_of(int64_t row, int64_t t, double rounding) {
  const Schedule schedule(xnoise_schedule());
  const auto part = [&](const char* name) { return xnoise_golden().at(name)[row].unsqueeze(0).to(torch::kDouble); };
  const Tensor with = part("step_eps_cond") * rounding, without = part("step_eps_null") * rounding;
  const Denoiser denoiser = [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor share = condition.view({-1, 1, 1, 1});
    return x0_from_eps(x, with * share + without * (1 - share), sigma);
  };
  const GuidanceOptions guidance{.scale = 1 + xnoise_golden().at("step_w").item<double>(), .clamp = 0};
  const Predictor predict =
      guide(denoiser, torch::ones({1, 1}, torch::kDouble), torch::zeros({1, 1}, torch::kDouble), guidance);
  std::vector<double> sigmas;
  for (int64_t k = t; k >= 1 && k > t - 3; --k) sigmas.push_back(schedule.sigma(k));
  sigmas.push_back(0);
  const NoiseSource noise{Random(1), {0}};
  const Tensor x = part("step_x") * std::sqrt(1 + sigmas[0] * sigmas[0]);
  Tensor second;
  const Tensor last = run_sampler(predict, x, {sigmas, {.solver = Solver::ddpm, .variance = Variance::previous}, noise},
                                  [&](const SamplerStep& step) {
                                    if (step.index == 1) second = step.x / std::sqrt(1 + step.sigma * step.sigma);
                                  });
  return {t > 1 ? second : last, noise.step(0, {3, 8, 8}, torch::kDouble)};
}

// Noise is exchanged, not drawn alike: ours is taken off with xNoise's deviation sqrt(beta_{t-1}) and
// xNoise's put in its place, so that another mean or another variance would both show.
double distance_to_seed(int64_t row, int64_t t, double rounding) {
  const XNoiseStep ours = step_of(row, t, rounding);
  Tensor next = ours.next[0];
  if (t > 1) {
    const double deviation = std::sqrt(xnoise_golden().at("beta")[t - 2].item<double>());
    next = next + (xnoise_golden().at("step_noise")[row] - ours.noise[0]) * deviation;
  }
  return (next - xnoise_golden().at("step_out")[row]).abs().max().item<double>();
}

TEST(XNoiseProcess, ReverseStepsAreThoseOfXNoise) {
  const Schedule schedule(xnoise_schedule());
  for (int64_t row = 0; row < 4; ++row) {
    const int64_t t = xnoise_golden().at("step_t")[row].item<int64_t>() + 1;  // the file counts from 0
    EXPECT_LT(distance_to_seed(row, t, rounding_of(schedule, t)), 1e-6) << "t " << t;
    EXPECT_LT(distance_to_seed(row, t, 1), 2e-5) << "t " << t << ", without its rounding";
  }
}

}  // namespace
}  // namespace noisescope
