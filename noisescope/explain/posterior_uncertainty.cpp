#include "noisescope/explain/posterior_uncertainty.h"

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
Tensor jacobian_times(const Denoiser& denoiser, const Tensor& x, const Tensor& sigma, const Tensor& condition,
                      const Tensor& v, const UncertaintyOptions& options) {
  const int64_t B = x.size(0), k = v.size(2);
  const Tensor h = sigma * options.step;
  const Tensor moves = (v * h.view({-1, 1, 1})).permute({2, 0, 1}).reshape({k, B, x.size(1), x.size(2), x.size(3)});
  const Tensor points = torch::cat({x + moves, x - moves}).flatten(0, 1);  // [2 k B, C, H, W]
  const Tensor rows = torch::arange(points.size(0), x.device());
  const Tensor estimates =
      denoise_in_passes(denoiser, points, sigma.repeat({2 * k}), condition.repeat({2 * k, 1}), rows, options.pass_size)
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

PosteriorComponents posterior_components(const Denoiser& denoiser, const Tensor& x, const Tensor& sigma,
                                         const Tensor& condition, const UncertaintyOptions& options,
                                         const Random& random, const std::vector<int64_t>& sample_ids,
                                         const Control& control) {
  const torch::NoGradGuard no_grad;
  const char* where = "explain.posterior_components";
  const auto B = static_cast<int64_t>(sample_ids.size());
  check_shape(where, "x", x, {B, -1, -1, -1});
  check_shape(where, "sigma", sigma, {B});
  check_shape(where, "condition", condition, {B, -1});
  const int64_t N = x[0].numel(), k = options.components;
  if (k < 1 || k > N || options.iterations < 1 || !(options.step > 0)) {
    throw ValueError(format_text(
        "[explain.posterior_components] expected 1 to {} components, iterations >= 1 and step > 0, got {}, {} and {}",
        N, k, options.iterations, options.step));
  }
  Tensor v = random.normal(Purpose::explain, 0, sample_ids, {N, k}, x.scalar_type()).to(x.device());
  v = std::get<0>(at::linalg_qr(v));
  Tensor image;  // J v of the last iteration, with the v that it came from
  Tensor basis;
  for (int64_t i = 0; i < options.iterations; ++i) {
    control.throw_if_stopped(where);
    basis = v;
    image = jacobian_times(denoiser, x, sigma, condition, v, options);
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
  const Random random(subject.seed);
  const Tensor eps = random.normal(Purpose::explain, 0, sample_range(0, paths), subject.model.image_shape);
  const Tensor x = subject.copies(1) + sigma * eps.to(subject.model.device);
  const Tensor level = torch::full({paths}, sigma, x.options()), condition = subject.condition(paths);
  const Tensor estimate = subject.model.denoiser(x.slice(0, 0, 1), level.slice(0, 0, 1), condition.slice(0, 0, 1));
  return {log_snr, x, estimate,
          posterior_components(subject.model.denoiser, x, level, condition, options, random, sample_range(0, paths),
                               control)};
}

Named<UncertaintyAtLevel> ask_uncertainty(const Subject& subject, const UncertaintyQuestion& question,
                                          const Control& control) {
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
