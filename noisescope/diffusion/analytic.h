// Closed-form oracles: data distributions whose denoiser, probability-flow ODE, densities and
// information are known exactly. Every sampler, loss and explainer is tested on them.
//
// All tables are float64; a denoiser computes in float64 and answers in the dtype of x, so that
// convergence can be followed down to rounding. Images [B, C, H, W] are read as vectors of
// N = C H W numbers.
#pragma once

#include "noisescope/core/random.h"
#include "noisescope/diffusion/denoiser.h"

namespace noisescope::diffusion {

/// Linear-Gaussian data: x_0 = mean + map y + residual, y ~ N(0, I_M), residual ~ N(0, covariance).
/// The condition reveals y. Condition rows are [y_1 .. y_M, known]: known = 1 reveals y, known = 0
/// is the null condition (y is then ignored).
class GaussianData {
 public:
  /// mean [N]; covariance [N, N], or its diagonal [N]; map [N, M] (M = 0, the default: nothing to
  /// condition on, and condition rows may have any width).
  /// Throws ShapeError for tables that do not fit, ValueError for a covariance that is not
  /// positive.
  GaussianData(const Tensor& mean, const Tensor& covariance, const Tensor& map = {});

  /// D(x, sigma, c) = m + S (S + sigma^2 I)^-1 (x - m) with the mean m and covariance S under c.
  Denoiser denoiser() const;

  /// Exact solution of the probability-flow ODE from sigma_from to sigma_to (either may be 0):
  /// each eigendirection of S shrinks by sqrt((l + sigma_to^2) / (l + sigma_from^2)).
  Tensor flow(const Tensor& x, double sigma_from, double sigma_to, const Tensor& condition) const;

  /// I(x; y) in nats between the noisy image at `sigma` (0: the clean image) and the condition:
  /// (ln det(S_null + sigma^2 I) - ln det(S_known + sigma^2 I)) / 2.
  double information(double sigma) const;

  /// x_0 [B, N] of these samples given y [B, M] (pass an undefined tensor for M = 0).
  Tensor sample(const Random& random, Purpose purpose, const std::vector<int64_t>& samples, const Tensor& y = {}) const;

  const Tensor& mean() const { return mean_; }
  const Tensor& covariance() const { return known_.covariance; }  // [N, N], y known

 private:
  /// One covariance as its eigendecomposition.
  struct Spectrum {
    Tensor covariance;  // [N, N]
    Tensor values;      // [N]
    Tensor vectors;     // [N, N], columns
    /// scale(values) applied in the eigenbasis to rows [B, N]; scale is [B, N] or [N].
    Tensor apply(const Tensor& rows, const Tensor& scale) const;
  };
  static Spectrum decompose(const Tensor& covariance);
  /// Mean [B, N] and, per row, whether y is known [B, 1].
  std::pair<Tensor, Tensor> read_condition(const Tensor& condition, int64_t rows) const;

  Tensor mean_;     // [N]
  Tensor map_;      // [N, M]
  Spectrum known_;  // covariance given y
  Spectrum null_;   // covariance without y
};

/// Mixture of K Gaussians with diagonal covariances. Condition rows are weights >= 0 over the
/// components, [B, K], normalised inside: a one-hot row names a component, the prior weights are
/// the null condition.
class GaussianMixture {
 public:
  /// means [K, N]; variances [K, N] > 0. Throws ShapeError or ValueError.
  GaussianMixture(const Tensor& means, const Tensor& variances);

  /// D = sum_k p(k | x, c) (mu_k + v_k / (v_k + sigma^2) (x - mu_k)).
  Denoiser denoiser() const;

  /// p(k | x, c) [B, K], float64.
  Tensor posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition) const;

  /// ln p(x; sigma | c) [B], float64; sigma >= 0. The pointwise information between x and a
  /// condition is its difference between the condition and the null condition.
  Tensor log_density(const Tensor& x, const Tensor& sigma, const Tensor& condition) const;

  /// x_0 [B, N] of these samples from components [B] (int64).
  Tensor sample(const Random& random, Purpose purpose, const std::vector<int64_t>& samples,
                const Tensor& components) const;

  int64_t components() const { return means_.size(0); }  // K

 private:
  /// ln (c_k N(x; mu_k, v_k + sigma^2)) [B, K].
  Tensor log_joint(const Tensor& x, const Tensor& sigma, const Tensor& condition) const;

  Tensor means_;      // [K, N]
  Tensor variances_;  // [K, N]
};

}  // namespace noisescope::diffusion
