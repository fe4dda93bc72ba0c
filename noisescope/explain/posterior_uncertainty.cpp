#include "noisescope/explain/posterior_uncertainty.h"

#include <set>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_qr.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/passes.h"

namespace noisescope::explain {
namespace {

/// dD/dx applied to directions v [B, N, k], by central differences of length h [B].
Tensor jacobian_times(const PromptedDenoiser& denoiser, const NoisyPictures& noisy, const Tensor& v,
                      const UncertaintyOptions& options) {
  const auto& [x, sigma] = noisy;
  const int64_t B = x.size(0), k = v.size(2);
  const Tensor h = sigma * options.step;
  const Tensor moves = (v * h.view({-1, 1, 1})).permute({2, 0, 1}).reshape({k, B, x.size(1), x.size(2), x.size(3)});
  const Tensor points = torch::cat({x + moves, x - moves}).flatten(0, 1);  // [2 k B, C, H, W]
  const Tensor rows = torch::arange(points.size(0), x.device());
  const Tensor estimates = denoise_in_passes(denoiser.denoiser, {points, sigma.repeat({2 * k})},
                                             denoiser.condition.repeat({2 * k, 1}), rows, options.pass_size)
                               .view({2, k, B, -1});
  return ((estimates[0] - estimates[1]) / (2 * h).view({1, -1, 1})).permute({1, 2, 0});
}

}  // namespace

void describe(Describer& d, UncertaintyOptions& options) {
  d("components", options.components, "principal components", {.min = 1, .max = 1000});
  d("iterations", options.iterations, "subspace iterations", {.min = 1, .max = 10000});
  d("step", options.step, "length of the central difference in units of sigma", {.min = 1e-6, .max = 1});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

PosteriorComponents posterior_components(const PromptedDenoiser& denoiser, const NoisyPictures& noisy,
                                         const UncertaintyOptions& options, const PathNoise& noise,
                                         const Control& control) {
  const torch::NoGradGuard no_grad;
  const char* where = "explain.posterior_components";
  const auto& [x, sigma] = noisy;
  const auto B = static_cast<int64_t>(noise.sample_ids.size());
  check_shape(where, "x", x, {B, -1, -1, -1});
  check_shape(where, "sigma", sigma, {B});
  check_shape(where, "condition", denoiser.condition, {B, -1});
  const int64_t N = x[0].numel(), k = options.components;
  if (k < 1 || k > N || options.iterations < 1 || !(options.step > 0)) {
    throw ValueError(format_text(
        "[explain.posterior_components] expected 1 to {} components, iterations >= 1 and step > 0, got {}, {} and {}",
        N, k, options.iterations, options.step));
  }
  Tensor v = noise.random.normal(Purpose::explain, 0, noise.sample_ids, {N, k}, x.scalar_type()).to(x.device());
  v = std::get<0>(at::linalg_qr(v));
  Tensor image;  // J v of the last iteration, with the v that it came from
  Tensor basis;
  for (int64_t i = 0; i < options.iterations; ++i) {
    control.throw_if_stopped(where);
    basis = v;
    image = jacobian_times(denoiser, noisy, v, options);
    v = std::get<0>(at::linalg_qr(image));
  }
  // Rayleigh-Ritz within the last basis, in float64.
  const Tensor small = basis.transpose(1, 2).to(torch::kFloat64).matmul(image.to(torch::kFloat64));
  const auto [values, vectors] = at::linalg_eigh((small + small.transpose(1, 2)) / 2);
  const Tensor order = torch::arange(k - 1, -1, -1, x.device());
  const Tensor ritz = basis.matmul(vectors.index_select(2, order).to(basis.scalar_type()));
  PosteriorComponents out;
  out.directions = ritz.permute({2, 0, 1}).reshape({k, B, x.size(1), x.size(2), x.size(3)});
  out.variances = (values.index_select(1, order).t() * sigma.to(torch::kFloat64).square()).to(torch::kCPU);
  return out;
}

void describe(AnswerDescriber& d, const PosteriorComponents& a) {
  d("variances", a.variances, "component picture", "pixel units squared", "of x_0 along each direction, falling");
  d("directions", a.directions, "component picture channel y x", "", "orthonormal for each picture");
}

void describe(AnswerDescriber& d, const UncertaintyAtLevel& a) {
  d("log_snr", a.log_snr, "", "nats", "the noise level");
  describe(d, a.components);
  d("noisy", a.noisy, "picture channel y x", "pixel units", "the noise draws");
  d("estimate", a.estimate, "picture channel y x", "pixel units", "the clean estimate of the first");
}

void describe(Describer& d, UncertaintyQuestion& question) {
  d("log_snrs", question.log_snrs, "noise levels", {.min = -30, .max = 30});
  describe(d, question.options);
}

namespace {

UncertaintyAtLevel look_at(const Subject& subject, double log_snr, const UncertaintyOptions& options,
                           const Control& control) {
  const int64_t paths = subject.paths;
  const double sigma = sigma_of_log_snr(log_snr);
  const PathNoise noise = subject.noise(paths);
  const Tensor eps = noise.random.normal(Purpose::explain, 0, noise.sample_ids, subject.model.image_shape);
  const Tensor x = subject.copies(1) + sigma * eps.to(subject.model.device);
  const Tensor level = torch::full({paths}, sigma, x.options()), condition = subject.condition(paths);
  const Tensor estimate = subject.model.denoiser(x.slice(0, 0, 1), level.slice(0, 0, 1), condition.slice(0, 0, 1));
  return {log_snr, x, estimate,
          posterior_components({subject.model.denoiser, condition}, {x, level}, options, noise, control)};
}

Named<UncertaintyAtLevel> ask_uncertainty(const Subject& subject, const UncertaintyQuestion& question,
                                          const Control& control) {
  const std::set<double> different(question.log_snrs.begin(), question.log_snrs.end());
  if (different.size() != question.log_snrs.size()) {
    throw ValueError("[explain.posterior_uncertainty] expected log_snrs with each noise level once");
  }
  Named<UncertaintyAtLevel> out;
  for (const double log_snr : question.log_snrs) {
    out.names.push_back("log-SNR " + number_text(log_snr));
    out.answers.push_back(look_at(subject, log_snr, question.options, control));
  }
  return out;
}

int64_t uncertainty_cost(const Subject& subject, const UncertaintyQuestion& question) {
  const int64_t levels = static_cast<int64_t>(question.log_snrs.size());
  return levels * (1 + subject.paths * question.options.cost());  // and the estimate that is shown
}

}  // namespace

Method posterior_uncertainty_method() {
  return method("posterior_uncertainty", "What is the model still undecided about?", {.posterior_mean = true},
                uncertainty_cost, ask_uncertainty);
}

}  // namespace noisescope::explain
