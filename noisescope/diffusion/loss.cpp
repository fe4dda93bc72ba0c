#include "noisescope/diffusion/loss.h"

#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::diffusion {
namespace {

/// Keeps the inverse distribution function finite: 7 standard deviations.
constexpr double kSmallestUniform = 1e-12;

/// lambda(sigma): the weight of the squared error of the clean image.
Tensor image_weight(const PreconditionOptions& precondition, const LossOptions& loss, const Tensor& sigma) {
  const Tensor variance = sigma.square();
  switch (loss.weighting) {
    case Weighting::edm: {
      const double d = precondition.sigma_data;
      return (variance + d * d) / (variance * d * d);
    }
    case Weighting::min_snr:
      return variance.reciprocal().clamp_max(loss.gamma);
    case Weighting::soft_min_snr:
      return loss.gamma / (1 + loss.gamma * variance);
    case Weighting::uniform:
      break;
  }
  throw ValueError("[diffusion.loss_weight] expected a weighting, got an unknown one");
}

}  // namespace

void describe(Describer& d, NoiseLevelOptions& options) {
  d("distribution", options.distribution,
    "noise levels of training: lognormal, timestep (uniform over the discrete schedule), or information "
    "(lognormal, fitted once to the levels at which the early model decides words)");
  d("mean", options.mean, "mean of ln sigma (lognormal; information: before the fit)");
  d("std", options.std, "standard deviation of ln sigma (lognormal; information: before the fit)", {.min = 0});
  d("early_share", options.early_share, "share of the budget before the fit (information)", {.min = 0, .max = 1});
  d("pictures", options.pictures, "held-out pictures of the fit (information)", {.min = 1});
}

void describe(Describer& d, LossOptions& options) {
  d("weighting", options.weighting,
    "weight of a noise level: uniform (in the network's own target), edm, min_snr, soft_min_snr");
  d("gamma", options.gamma, "SNR at which min_snr and soft_min_snr level off", {.min = 0, .above_min = true});
}

Tensor noise_levels(const NoiseLevelOptions& options, const ScheduleOptions& schedule, const Tensor& uniforms) {
  const Tensor u = uniforms.to(torch::kFloat64);
  if (options.distribution != NoiseDistribution::timestep) {
    const Tensor normal = torch::special_ndtri(u.clamp(kSmallestUniform, 1 - kSmallestUniform));
    return (normal * options.std + options.mean).exp().to(uniforms.scalar_type());
  }
  const Schedule table(schedule);
  std::vector<double> sigmas;
  for (int64_t t = 1; t <= table.timesteps(); ++t) sigmas.push_back(table.sigma(t));
  const Tensor index =
      (u * static_cast<double>(table.timesteps())).floor().to(torch::kInt64).clamp(0, table.timesteps() - 1);
  return torch::tensor(sigmas, torch::kFloat64).to(u.device()).take(index).to(uniforms.scalar_type());
}

Tensor stratified_uniforms(const Random& random, uint64_t step, int64_t batch, Purpose purpose) {
  if (batch < 1) {
    throw ValueError(format_text("[diffusion.stratified_uniforms] expected a batch of at least 1, got {}", batch));
  }
  // Position 1: the permutation reads position 0 of the same stream.
  const double shift = random.uniform(purpose, step, 0, 1);
  const Tensor order = random.permutation(purpose, step, batch).to(torch::kFloat64);
  return (order + shift) / static_cast<double>(batch);
}

Tensor loss_weight(const PreconditionOptions& precondition, const LossOptions& loss, const Tensor& sigma) {
  if (loss.weighting == Weighting::uniform) return torch::ones_like(sigma);
  check_options("diffusion.loss_weight", loss);
  // On an edm network edm weighting is 1 exactly, not up to rounding.
  if (loss.weighting == Weighting::edm && precondition.parametrization == Parametrization::edm) {
    return torch::ones_like(sigma);
  }
  const Tensor c_out = coefficients(precondition, sigma).c_out;
  return image_weight(precondition, loss, sigma) * c_out.square();
}

Tensor diffusion_loss(const Network& network, const PreconditionOptions& precondition, const LossOptions& loss,
                      const LossInputs& inputs) {
  const auto& [x0, sigma, eps, condition] = inputs;
  check_shape("diffusion.diffusion_loss", "x0", x0, {-1, -1, -1, -1});
  check_shape("diffusion.diffusion_loss", "eps", eps, {x0.size(0), x0.size(1), x0.size(2), x0.size(3)});
  check_shape("diffusion.diffusion_loss", "sigma", sigma, {x0.size(0)});
  check_shape("diffusion.diffusion_loss", "condition", condition, {x0.size(0), -1});
  // Noise level functions in float64 (B numbers), pictures in float32.
  const Tensor level = sigma.to(torch::kFloat64);
  const Coefficients c = coefficients(precondition, level);
  const auto narrow = [](const Tensor& values) { return values.to(torch::kFloat32); };
  const Tensor s = narrow(level);
  const Tensor input = (x0 + eps * per_sample(s)) * per_sample(narrow(c.c_in));
  const Tensor output = network(input, narrow(c.c_noise), condition);
  const Tensor error = output.to(torch::kFloat32) - network_target(precondition, x0, eps, s);
  return error.square().mean({1, 2, 3}) * narrow(loss_weight(precondition, loss, level));
}

}  // namespace noisescope::diffusion
