#include "noisescope/diffusion/precondition.h"

#include <string>

#include "noisescope/core/error.h"

namespace noisescope::diffusion {
namespace {

void check(const PreconditionOptions& options) {
  check_options("diffusion.precondition", options);
  check_compatible(options.schedule, options.parametrization);
}

Tensor noise_label(const PreconditionOptions& options, const Tensor& sigma) {
  switch (options.noise_label) {
    case NoiseLabel::log_sigma:
      return sigma.log() / 4;
    case NoiseLabel::timestep:
      return Schedule(options.schedule).timestep(sigma);
    case NoiseLabel::log_snr:
      return -2 * sigma.log();
    case NoiseLabel::timestep_share: {
      const Schedule schedule(options.schedule);
      return (schedule.timestep(sigma) - 1) / static_cast<double>(schedule.timesteps());
    }
  }
  throw ValueError("[diffusion.precondition] expected a noise label, got an unknown one");
}

}  // namespace

void describe(Describer& d, PreconditionOptions& options) {
  d("parametrization", options.parametrization, "what the network predicts: edm, eps, v, x0");
  d("sigma_data", options.sigma_data, "standard deviation of the clean pixels (edm)",
    {.min = 0, .above_min = true, .below_max = true});
  d("noise_label", options.noise_label,
    "how the network is told the noise level: log_sigma (ln(sigma) / 4), timestep, log_snr, "
    "timestep_share ((t - 1) / T)");
  d.section("schedule", options.schedule, "discrete timesteps, where they are used");
}

Coefficients coefficients(const PreconditionOptions& options, const Tensor& sigma) {
  check(options);
  const Tensor one = torch::ones_like(sigma);
  const Tensor variance = sigma.square();
  const Tensor a = (1 + variance).rsqrt();
  const Tensor label = noise_label(options, sigma);
  switch (options.parametrization) {
    case Parametrization::edm: {
      const double d = options.sigma_data;
      const Tensor c_in = (variance + d * d).rsqrt();
      return {(c_in * d).square(), sigma * d * c_in, c_in, label};
    }
    case Parametrization::eps:
      return {one, -sigma, a, label};
    case Parametrization::v:
      return {a.square(), -sigma * a, a, label};
    case Parametrization::x0:
      return {torch::zeros_like(sigma), one, a, label};
  }
  throw ValueError("[diffusion.coefficients] expected a parametrization, got an unknown one");
}

Tensor network_target(const PreconditionOptions& options, const Tensor& x0, const Tensor& eps, const Tensor& sigma) {
  const Tensor s = per_sample(sigma, x0.dim());
  switch (options.parametrization) {
    case Parametrization::edm: {
      const double d = options.sigma_data;
      return (x0 * (s / d) - eps * d) * (s.square() + d * d).rsqrt();
    }
    case Parametrization::eps:
      return eps;
    case Parametrization::v:
      return (eps - x0 * s) * (1 + s.square()).rsqrt();
    case Parametrization::x0:
      return x0;
  }
  throw ValueError("[diffusion.network_target] expected a parametrization, got an unknown one");
}

Denoiser precondition(Network network, const PreconditionOptions& options) {
  check(options);
  return [network = std::move(network), options](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Coefficients c = coefficients(options, sigma);
    const auto scale = [&](const Tensor& values) { return per_sample(values, x.dim()); };
    const Tensor output =
        network((x * scale(c.c_in)).to(torch::kFloat32), c.c_noise.to(torch::kFloat32), condition.to(torch::kFloat32));
    return x * scale(c.c_skip) + output.to(x.scalar_type()) * scale(c.c_out);
  };
}

}  // namespace noisescope::diffusion
