// Evidence filtering: which pixels, at which noise level, decided a word against its alternatives?
//
// A contrast is a prompt with one word in K versions (or K prompts), each with prior 1/K. The filter
// walks one path from noise to picture. From sigma to sigma' < sigma, with r = sigma'/sigma, version k
// expects x' ~ N(m_k, v I),
//   m_k = r^2 x + (1 - r^2) D_k(x, sigma),   v = sigma'^2 (1 - r^2)
// (the exact Gaussian reverse kernel, diffusion/process.h posterior_ve, at the version's estimate), so
//   ln p_k += -|x' - m_k|^2 / (2 v), normalised over k.
// For exact denoisers and small steps p_k is the posterior p(version k | x'), since the path is Markov.
// (Sequential Bayesian classification along a diffusion: Handke et al. 2025, arXiv:2506.10433.)
//
// Maps, in nats a pixel, for the version `own` that the picture shows, against the self-consistent
// mixture D* = sum_k p_k D_k:
//   realised     each step's gain ln p_own(x') - ln p_own(x), shared out among the pixels by their
//                Aumann-Shapley values (Aumann & Shapley 1974; for attributions: Sundararajan et al. 2017,
//                arXiv:1703.01365), so that the map sums to ln p_own(end) + ln K at any step size
//   compensated  1/2 (1/sigma'^2 - 1/sigma^2) (D_own - D*)^2: what the step was expected to say under the
//                own version, free of the path's own noise
//   map          the compensated map times what was decided over what was expected: the realised map as it is
//                expected given its total. Under the own version, in small steps, the realised map's pixels are
//                independent normals with the compensated map as mean and twice that as variance, and independent
//                normals whose variances are proportional to their means, c_j, have E[r_j | sum r] = c_j sum r / sum c.
//                So it sums to ln p_own(end) + ln K, and says against where the picture contradicts the version.
// The compensated map is the integrand of the information identity (Kong et al. 2024,
// arXiv:2310.07972) with the null replaced by the mixture. It vanishes once the word is
// decided, so on an imperfect network, too, the realised total is at most ln K, where the published
// identity has no such bound.
//
// Where the model's evidence has been calibrated (explain/calibration.h), a step's kernels have variance v / w in place
// of v: all of the above holds with ln N_k and the compensated nats times w. What the model claims without is kept
// beside.
//
// A version whose posterior has fallen below 1e-5, by either account, is asked no more: from there on it is taken to
// expect what the own version expects, and p_k / p_own stays.
#pragma once

#include <functional>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/explain/batch.h"

namespace noisescope::explain {

class AnswerDescriber;

/// What the evidence of a step at this log-SNR counts, >= 0.
using StepWeight = std::function<double(double log_snr)>;

/// K versions of what B pictures might show.
struct Contrast {
  Tensor conditions;       // [K, B, D]
  Tensor true_version;     // [B] int64 in [0, K): the version that is true of the picture
  StepWeight weight = {};  // of the model's evidence (explain/calibration.h); empty: 1
};

/// N noise levels, B pictures, K versions. float64 on the CPU.
struct Evidence {
  std::vector<double> log_snrs;  // [N], rising: from noise to picture
  Tensor log_posterior;          // [N, B, K]: ln p_k given the path down to this level; row 0 = -ln K
  Tensor profile;                // [N - 1, B]: compensated nats of each step
  Tensor compensated;            // [B, H, W] nats, >= 0
  Tensor realised;               // [B, H, W] nats, signed
  Tensor true_version;           // [B] int64
  Tensor claimed;                // [N, B, K]: log_posterior as the model claims it, every step at weight 1

  /// The same paths as the model claims: curves by `claimed`, maps as they are.
  Evidence as_claimed() const;
  /// The decision curve: p(own version | path so far), [N, B].
  Tensor decision() const;
  /// Entropy of the versions given the path so far in nats, [N, B]; falls from ln K to 0.
  Tensor entropy() const;
  /// -d entropy / d log-SNR per step, [N - 1, B]: the decision window (class-entropy rate).
  Tensor entropy_rate() const;
  /// ln p_own(end) + ln K, [B] nats, at most ln K.
  Tensor realised_total() const;
  /// Where that was decided, [B, H, W] nats, signed: the compensated map scaled to the realised total. The map to look
  /// at, averaged over paths.
  Tensor map() const;
  /// Sum of the realised map - realised total, [B] nats: rounding alone.
  Tensor completeness_gap() const;
  /// Sum of the compensated map - realised total, [B] nats: the path's own noise and, in its mean over
  /// paths, the error of the step size, which falls as 1 / steps.
  Tensor compensation_gap() const;
  /// First log-SNR from which the decision curve stays above (1 + 1/K) / 2, half way from prior to
  /// certainty, [B]; linear between levels, NaN where it ends below.
  Tensor half_points() const;
};

/// One Evidence of the pictures of several, which must share levels and versions (ValueError).
Evidence concatenate(const std::vector<Evidence>& parts);

/// Filters one path, step by step. Cost: at most K denoiser evaluations a step and picture, fewer as versions
/// drop out, none once one is left.
class EvidenceFilter {
 public:
  /// Throws ShapeError or ValueError for a contrast that does not fit together, K < 2 included.
  /// `pass_size`: samples per denoiser call.
  EvidenceFilter(Denoiser denoiser, Contrast contrast, int64_t pass_size = 128);

  /// Takes the step from x [B, C, H, W] at `sigma` to x_next at `sigma_next`, 0 < sigma_next < sigma.
  /// Throws ValueError if it does not start where the last one ended, NumericError for values that are
  /// not finite.
  void advance(const Tensor& x, double sigma, const Tensor& x_next, double sigma_next);

  /// Throws ValueError before the first step.
  Evidence result() const;
  /// The compensated map so far, [B, H, W] nats; undefined before the first step.
  const Tensor& compensated() const { return compensated_; }

 private:
  /// [K, B, C, H, W], the own version's in place of those that are out.
  Tensor estimates(const Tensor& x, double sigma) const;

  Denoiser denoiser_;
  Contrast contrast_;
  int64_t pass_size_;
  Tensor log_posterior_, claimed_;  // [B, K] float64
  std::vector<double> sigmas_;
  std::vector<Tensor> log_posteriors_, claims_, profile_;
  Tensor compensated_, realised_;
};

struct EvidenceOptions {
  int64_t steps = 100;
  double log_snr_min = -8;
  double log_snr_max = 5;
  int64_t pass_size = 128;
  bool calibrated = true;  // read where a model is asked: by its calibration, if it has one that is needed

  /// Denoiser evaluations for `pictures` pictures and `versions` versions, at most.
  int64_t cost(int64_t pictures, int64_t versions) const { return steps * pictures * versions; }
};
void describe(Describer& d, EvidenceOptions& options);

/// Draws noising paths of the pictures, all at one level at a time: visit(x, sigma) at each of
/// the steps + 1 levels, from noise to picture. x at the first level is picture + sigma eps, each further
/// one is drawn from q(x' | x, picture): together one path of the forward process, read backwards.
/// Throws ValueError for options out of range.
void walk_noising_paths(const PictureBatch& batch, const EvidenceOptions& options,
                        const std::function<void(const Tensor& x, double sigma)>& visit);

/// One step of noising paths: x at `sigma`, x_next at `sigma_next` below it; `index` of options.steps.
struct NoisingStep {
  int64_t index = 0;
  Tensor x;
  double sigma = 0;
  Tensor x_next;
  double sigma_next = 0;
};

/// The steps of walk_noising_paths one by one, with progress. Throws as that, and Interrupted.
void for_each_noising_step(const PictureBatch& batch, const EvidenceOptions& options,
                           const std::function<void(const NoisingStep&)>& visit, const Control& control);

/// Evidence along noising paths of the pictures.
Evidence filter_noising_paths(const Denoiser& denoiser, const PictureBatch& batch, const Contrast& contrast,
                              const EvidenceOptions& options, const Control& control = {});

void describe(AnswerDescriber& d, const Evidence& answer);

}  // namespace noisescope::explain
