// What guidance is made of, step by step: its size, its direction, its frequencies, and how much of it a
// linear model of the data explains. All of it is read off a sampling run at no evaluations.
//
// The difference of the branches is d = D_c - D_u = -sigma (eps_c - eps_u), in pixel units.
#pragma once

#include <vector>

#include "noisescope/diffusion/sampler.h"

namespace noisescope::explain {

class AnswerDescriber;

/// S covered steps, B pictures, R radial bands; float64 on the CPU.
struct GuidanceAnatomy {
  std::vector<double> log_snrs;  // [S], of the steps where both branches were evaluated
  Tensor norm;                   // [S, B]: |d|, pixel units
  Tensor cosine;                 // [S, B]: of eps_c - eps_u with eps_u; -1 .. 1
  Tensor parallel_share;         // [S, B]: share of |d|^2 along the estimate D_c, the part that saturates
                                 // (Sadat et al. 2024, APG, arXiv:2410.02416); the rest is orthogonal
  Tensor bands;                  // [S, B, R]: share of |d|^2 in each band of radial frequency, rising; sums to 1
};

/// d as the sum of its part along `estimate` and the rest; both [B, C, H, W].
struct ParallelParts {
  Tensor parallel;
  Tensor orthogonal;
};
ParallelParts parallel_parts(const Tensor& difference, const Tensor& estimate);

/// Energy of pictures [B, C, H, W] in `bands` equal bands of radial frequency up to the corner of the
/// spectrum, [B, bands] float64; sums to |picture|^2 (Parseval).
Tensor band_energy(const Tensor& pictures, int64_t bands);

/// An observer that keeps the anatomy of every step with both branches. One object, one run.
class GuidanceAnatomyObserver {
 public:
  explicit GuidanceAnatomyObserver(int64_t bands = 4);
  SamplerObserver observer() {
    return [this](const SamplerStep& step) { observe(step); };
  }
  void observe(const SamplerStep& step);
  /// Throws ValueError if no step had both branches.
  GuidanceAnatomy result() const;

 private:
  int64_t bands_count_;
  std::vector<double> log_snrs_;
  std::vector<Tensor> norm_, cosine_, parallel_share_, bands_;
};

/// Guidance of two Gaussians, one with and one without the prompt (Li, Wang & Qu 2025,
/// arXiv:2505.19210): with W = S (S + sigma^2 I)^-1 the linear denoisers D = mu + W (x - mu) differ by
///   (I - W_u)(mu_c - mu_u)  +  (W_c - W_u)(x - mu_c)
/// the mean shift, and the contrast of covariances, whose positive eigenvalues push the picture along
/// what the prompt makes more variable and whose negative ones remove what it makes less.
class LinearGuidance {
 public:
  /// Fits means and covariances to pictures with the prompt [N, C, H, W] and without [M, C, H, W];
  /// float64. Throws ValueError for fewer than 2 of either.
  LinearGuidance(const Tensor& with_prompt, const Tensor& without_prompt);
  /// The moments themselves: means [N], covariances [N, N].
  LinearGuidance(Tensor mean_c, Tensor covariance_c, Tensor mean_u, Tensor covariance_u);

  struct Parts {
    Tensor mean_shift, positive, negative, residual;  // [B, C, H, W]; sum to the difference
  };
  /// Splits the difference D_c - D_u of a denoiser at x [B, C, H, W] and one noise level.
  Parts split(const Tensor& x, double sigma, const Tensor& difference) const;

 private:
  Tensor mean_c_, mean_u_, covariance_c_, covariance_u_;
};

void describe(AnswerDescriber& d, const GuidanceAnatomy& answer);
void describe(AnswerDescriber& d, const LinearGuidance::Parts& answer);

struct GuidanceAnatomyOptions {
  int64_t bands = 4;  // of radial frequency
};
void describe(Describer& d, GuidanceAnatomyOptions& options);

}  // namespace noisescope::explain
