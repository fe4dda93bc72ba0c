#include "noisescope/explain/guidance_anatomy.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_fftfreq.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_solve.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

Tensor energy(const Tensor& pictures) { return pictures.square().sum({1, 2, 3}, false, torch::kFloat64); }

Tensor share(const Tensor& part, const Tensor& whole) {
  return torch::where(whole > 0, part / whole, torch::zeros_like(whole));
}

std::pair<Tensor, Tensor> moments(const Tensor& pictures) {
  const Tensor rows = pictures.flatten(1).to(torch::kFloat64);
  if (rows.size(0) < 2) {
    throw ValueError(format_text("[explain.LinearGuidance] expected at least 2 pictures, got {}", rows.size(0)));
  }
  const Tensor mean = rows.mean(0), centred = rows - mean;
  return {mean, centred.t().matmul(centred) / static_cast<double>(rows.size(0) - 1)};
}

/// W = S (S + sigma^2 I)^-1.
Tensor shrinkage(const Tensor& covariance, double sigma) {
  const Tensor noisy = covariance + sigma * sigma * torch::eye(covariance.size(0), covariance.options());
  return at::linalg_solve(noisy, covariance);  // both are functions of S and commute
}

}  // namespace

ParallelParts parallel_parts(const Tensor& difference, const Tensor& estimate) {
  const Tensor along = (difference * estimate).sum({1, 2, 3}, true);
  const Tensor length = estimate.square().sum({1, 2, 3}, true);
  const Tensor factor = torch::where(length > 0, along / length, torch::zeros_like(length));
  const Tensor parallel = factor * estimate;
  return {parallel, difference - parallel};
}

Tensor band_energy(const Tensor& pictures, int64_t bands) {
  check_shape("explain.band_energy", "pictures", pictures, {-1, -1, -1, -1});
  if (bands < 1) throw ValueError("[explain.band_energy] expected at least 1 band");
  const auto pixels = static_cast<double>(pictures.size(2) * pictures.size(3));
  const Tensor power = at::fft_fft2(pictures.to(torch::kFloat64)).abs().square().sum(1) / pixels;
  const auto options = torch::dtype(torch::kFloat64).device(pictures.device());
  const Tensor y = at::fft_fftfreq(pictures.size(2), 1.0, options).unsqueeze(1);
  const Tensor x = at::fft_fftfreq(pictures.size(3), 1.0, options).unsqueeze(0);
  const Tensor radius = (y.square() + x.square()).sqrt() / std::sqrt(0.5);  // 1 at the corner
  const Tensor band = (radius * static_cast<double>(bands)).to(torch::kInt64).clamp_max(bands - 1);
  return torch::zeros({pictures.size(0), bands}, options).index_add_(1, band.flatten(), power.flatten(1));
}

GuidanceAnatomyObserver::GuidanceAnatomyObserver(int64_t bands) : bands_count_(bands) {
  if (bands < 1) {
    throw ValueError(format_text("[explain.GuidanceAnatomyObserver] expected at least 1 band, got {}", bands));
  }
}

void GuidanceAnatomyObserver::observe(const SamplerStep& step) {
  const torch::NoGradGuard no_grad;
  const Prediction& p = step.prediction;
  if (!p.conditional.defined() || !p.unconditional.defined()) return;
  const Tensor difference = p.conditional - p.unconditional;
  const Tensor whole = energy(difference);
  const Tensor noise = step.x - p.unconditional;  // sigma eps_u; eps_c - eps_u has the sign of -d
  const Tensor inner = -(difference * noise).sum({1, 2, 3}, false, torch::kFloat64);
  const auto keep = [](std::vector<Tensor>& rows, const Tensor& row) { rows.push_back(row.to(torch::kCPU)); };
  log_snrs_.push_back(log_snr_of(step.sigma));
  keep(norm_, whole.sqrt());
  keep(cosine_, share(inner, (whole * energy(noise)).sqrt()));
  keep(parallel_share_, share(energy(parallel_parts(difference, p.conditional).parallel), whole));
  const Tensor by_band = band_energy(difference, bands_count_);
  keep(bands_, share(by_band, whole.unsqueeze(1).expand_as(by_band)));
}

GuidanceAnatomy GuidanceAnatomyObserver::result() const {
  if (log_snrs_.empty()) {
    throw ValueError(
        "[explain.GuidanceAnatomyObserver] expected a step with both branches, got none; "
        "set guidance.both_branches");
  }
  return {log_snrs_, torch::stack(norm_), torch::stack(cosine_), torch::stack(parallel_share_), torch::stack(bands_)};
}

LinearGuidance::LinearGuidance(const Tensor& with_prompt, const Tensor& without_prompt) {
  std::tie(mean_c_, covariance_c_) = moments(with_prompt);
  std::tie(mean_u_, covariance_u_) = moments(without_prompt);
  check_shape("explain.LinearGuidance", "without_prompt", mean_u_, {mean_c_.size(0)});
}

LinearGuidance::LinearGuidance(Tensor mean_c, Tensor covariance_c, Tensor mean_u, Tensor covariance_u)
    : mean_c_(std::move(mean_c)),
      mean_u_(std::move(mean_u)),
      covariance_c_(std::move(covariance_c)),
      covariance_u_(std::move(covariance_u)) {
  const int64_t n = mean_c_.size(0);
  check_shape("explain.LinearGuidance", "mean_u", mean_u_, {n});
  check_shape("explain.LinearGuidance", "covariance_c", covariance_c_, {n, n});
  check_shape("explain.LinearGuidance", "covariance_u", covariance_u_, {n, n});
}

LinearGuidance::Parts LinearGuidance::split(const Tensor& x, double sigma, const Tensor& difference) const {
  const torch::NoGradGuard no_grad;
  const Tensor rows = x.to(torch::kCPU, torch::kFloat64).flatten(1);
  check_shape("explain.LinearGuidance", "x", rows, {-1, mean_c_.size(0)});
  const Tensor w_u = shrinkage(covariance_u_, sigma);
  const Tensor shift = mean_c_ - mean_u_;
  const Tensor contrast = shrinkage(covariance_c_, sigma) - w_u;
  const auto [values, vectors] = at::linalg_eigh((contrast + contrast.t()) / 2);
  const Tensor coordinates = (rows - mean_c_).matmul(vectors), back = vectors.t();
  const auto along = [&](const Tensor& weights) { return (coordinates * weights).matmul(back).view(x.sizes()); };
  Parts parts;
  parts.mean_shift = (shift - w_u.matmul(shift)).expand_as(rows).reshape(x.sizes());
  parts.positive = along(values.clamp_min(0));
  parts.negative = along(values.clamp_max(0));
  parts.residual = difference.to(torch::kCPU, torch::kFloat64) - parts.mean_shift - parts.positive - parts.negative;
  return parts;
}

void describe(AnswerDescriber& d, const GuidanceAnatomy& a) {
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels where both branches were evaluated");
  d("norm", a.norm, "step picture", "pixel units", "norm of D_c - D_u", {.x = "log_snrs", .null = 0});
  d("cosine", a.cosine, "step picture", "", "of eps_c - eps_u with eps_u",
    {.x = "log_snrs", .null = 0, .is_signed = true});
  d("parallel_share", a.parallel_share, "step picture", "share",
    "of |D_c - D_u|^2 along the estimate; it saturates colours", {.x = "log_snrs"});
  d("bands", a.bands, "step picture band", "share", "of |D_c - D_u|^2 in bands of radial frequency, rising",
    {.x = "log_snrs"});
}

void describe(AnswerDescriber& d, const LinearGuidance::Parts& a) {
  const auto part = [&](const char* name, const Tensor& value, const char* help) {
    d(name, value, "picture channel y x", "pixel units", help, {.null = 0, .is_signed = true});
  };
  part("mean_shift", a.mean_shift, "from the mean without the prompt to the one with it");
  part("positive", a.positive, "along what the prompt makes more variable");
  part("negative", a.negative, "along what the prompt makes less variable");
  part("residual", a.residual, "not linear; the four sum to the difference");
}

void describe(Describer& d, GuidanceAnatomyOptions& options) {
  d("bands", options.bands, "bands of radial frequency", {.min = 1, .max = 1000});
}

namespace {

GuidanceAnatomy ask_anatomy(const Subject& subject, const GuidanceAnatomyOptions& options, const Control& control) {
  GuidanceAnatomyObserver observer(options.bands);
  for (const SamplerStep& step : subject.trajectory.steps(control)) observer.observe(step);
  return observer.result();
}

}  // namespace

Method guidance_anatomy_method() {
  return method("guidance_anatomy", "What is guidance made of?", {.trajectory = true, .branches = true},
                free_of_cost<GuidanceAnatomyOptions>, ask_anatomy);
}

}  // namespace noisescope::explain
