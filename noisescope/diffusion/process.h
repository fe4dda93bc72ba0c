// The forward process q(x_t | x_0), its posterior, and conversions between what a network may say.
//
// VE (this library): x = x_0 + sigma eps. VP (DDPM's papers): x_t = sqrt(alpha_bar) x_0 +
// sqrt(1 - alpha_bar) eps = x sqrt(alpha_bar), alpha_bar = 1 / (1 + sigma^2).
// Images are [B, C, H, W], sigma is [B]; results have the dtype of the images.
#pragma once

#include <cmath>

#include "noisescope/diffusion/denoiser.h"
#include "noisescope/diffusion/schedule.h"

namespace noisescope::diffusion {

inline double log_snr_of(double sigma) { return -2 * std::log(sigma); }
inline double sigma_of_log_snr(double log_snr) { return std::exp(-0.5 * log_snr); }
inline double alpha_bar_of(double sigma) { return 1 / (1 + sigma * sigma); }
inline double sigma_of_alpha_bar(double alpha_bar) { return std::sqrt((1 - alpha_bar) / alpha_bar); }

/// x = x0 + sigma eps.
Tensor add_noise(const Tensor& x0, const Tensor& eps, const Tensor& sigma);

/// The same noisy image in the variance-preserving scale of the papers, and back.
Tensor vp_from_ve(const Tensor& x, const Tensor& sigma);
Tensor ve_from_vp(const Tensor& x_vp, const Tensor& sigma);

// Everything a network may predict at x, from x_0 and back. eps: noise_of in denoiser.h.
// v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0 (Salimans & Ho 2022, arXiv:2202.00512);
// score = grad_x ln p(x; sigma) = (D - x) / sigma^2 (arXiv:2206.00364, eq. 3).
Tensor x0_from_eps(const Tensor& x, const Tensor& eps, const Tensor& sigma);
Tensor v_from_x0(const Tensor& x, const Tensor& x0, const Tensor& sigma);
Tensor x0_from_v(const Tensor& x, const Tensor& v, const Tensor& sigma);
Tensor score_from_x0(const Tensor& x, const Tensor& x0, const Tensor& sigma);
Tensor x0_from_score(const Tensor& x, const Tensor& score, const Tensor& sigma);

/// q(x_{t-1} | x_t, x_0) = N(x0_factor x_0 + xt_factor x_t, variance I) in the VP scale.
/// DDPM (arXiv:2006.11239), eq. 7; 1 <= t <= T.
struct Posterior {
  double x0_factor;
  double xt_factor;
  double variance;  // beta-tilde_t; 0 at t = 1
};
Posterior posterior_vp(const Schedule& schedule, int64_t t);

/// The same in the VE scale, between any two noise levels: q(x' | x, x_0) with sigma > sigma_next
/// >= 0 has mean x_0 + r^2 (x - x_0) and variance sigma_next^2 (1 - r^2), r = sigma_next / sigma.
Posterior posterior_ve(double sigma, double sigma_next);

/// beta_t of the step between two noise levels (1 - alpha_bar / alpha_bar'), carried to the VE
/// scale of sigma_next: the larger of DDPM's two variances (sec. 3.2).
double upper_variance_ve(double sigma, double sigma_next);

/// beta of the step that follows, from sigma_next to sigma_after, carried to the VE scale of
/// sigma_next: (1 - alpha_bar' / alpha_bar'') (1 + sigma_next^2) = sigma_next^2 - sigma_after^2.
double previous_variance_ve(double sigma_next, double sigma_after);

}  // namespace noisescope::diffusion
