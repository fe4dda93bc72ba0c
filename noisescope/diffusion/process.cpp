#include "noisescope/diffusion/process.h"

#include "noisescope/core/error.h"

namespace noisescope::diffusion {
namespace {

/// sqrt(1 + sigma^2) = 1 / sqrt(alpha_bar), shaped to scale images.
Tensor vp_scale(const Tensor& sigma, int64_t dims) { return per_sample((1 + sigma.square()).sqrt(), dims); }

}  // namespace

Tensor add_noise(const Tensor& x0, const Tensor& eps, const Tensor& sigma) {
  return x0 + eps * per_sample(sigma, x0.dim());
}

Tensor vp_from_ve(const Tensor& x, const Tensor& sigma) { return x / vp_scale(sigma, x.dim()); }

Tensor ve_from_vp(const Tensor& x_vp, const Tensor& sigma) { return x_vp * vp_scale(sigma, x_vp.dim()); }

Tensor x0_from_eps(const Tensor& x, const Tensor& eps, const Tensor& sigma) {
  return x - eps * per_sample(sigma, x.dim());
}

Tensor v_from_x0(const Tensor& x, const Tensor& x0, const Tensor& sigma) {
  const Tensor s = per_sample(sigma, x.dim());
  return ((x - x0) / s - x0 * s) / vp_scale(sigma, x.dim());
}

Tensor x0_from_v(const Tensor& x, const Tensor& v, const Tensor& sigma) {
  const Tensor scale = vp_scale(sigma, x.dim());
  return x / scale.square() - v * (per_sample(sigma, x.dim()) / scale);
}

Tensor score_from_x0(const Tensor& x, const Tensor& x0, const Tensor& sigma) {
  return (x0 - x) / per_sample(sigma, x.dim()).square();
}

Tensor x0_from_score(const Tensor& x, const Tensor& score, const Tensor& sigma) {
  return x + score * per_sample(sigma, x.dim()).square();
}

Posterior posterior_vp(const Schedule& schedule, int64_t t) {
  const double beta = schedule.beta(t);
  const double now = schedule.alpha_bar(t);
  const double next = schedule.alpha_bar(t - 1);
  return {std::sqrt(next) * beta / (1 - now), std::sqrt(1 - beta) * (1 - next) / (1 - now),
          (1 - next) / (1 - now) * beta};
}

Posterior posterior_ve(double sigma, double sigma_next) {
  const double ratio = sigma_next / sigma;
  const double kept = ratio * ratio;
  return {1 - kept, kept, sigma_next * sigma_next * (1 - kept)};
}

double upper_variance_ve(double sigma, double sigma_next) {
  const double now = sigma * sigma;
  const double next = sigma_next * sigma_next;
  return (1 + next) * (now - next) / (1 + now);
}

double previous_variance_ve(double sigma_next, double sigma_after) {
  return sigma_next * sigma_next - sigma_after * sigma_after;
}

}  // namespace noisescope::diffusion
