// U-turns: noise a picture to some level, regenerate it from there, and see what survives. What a
// regenerated picture keeps was already decided at that level (Sclocchi, Favero & Wyart 2024,
// arXiv:2402.16991: forward-backward experiments).
//
// For an exact denoiser without prompt and a stochastic sampler the regenerated picture is a draw from
// p(x_0 | x_alpha), so the share that keeps a factor f is E p(f_true | x_alpha).
#pragma once

#include <functional>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/explain/batch.h"

namespace noisescope::explain {

class AnswerDescriber;

struct UTurnOptions {
  std::vector<double> log_snrs = {-6, -5, -4, -3, -2, -1, 0};  // turning points
  int64_t steps = 20;                                          // of the way back, ancestral
  double log_snr_end = 4;                                      // where the way back ends before the last estimate
  int64_t pass_size = 128;

  int64_t cost(int64_t pictures) const { return static_cast<int64_t>(log_snrs.size()) * steps * pictures; }
};
void describe(Describer& d, UTurnOptions& options);

/// What each of B regenerated pictures kept of its original: [B, F] with values in [0, 1], F factors.
using KeepsFactors = std::function<Tensor(const Tensor& regenerated)>;

/// L turning points, F factors, B pictures; float64 on the CPU.
struct UTurns {
  std::vector<double> log_snrs;  // [L]
  Tensor kept;                   // [L, B, F]
  Tensor susceptibility;         // [L, B, H, W]: squared change of each pixel, mean over channels

  /// Mean over pictures, [L, F].
  Tensor retention() const { return kept.mean(1); }
  /// log-SNR at which the retention of factor f crosses half way from `chance` to 1, in its monotone fit:
  /// it can only rise in truth, few pictures let it fall. NaN if it does not cross. Throws ValueError unless f
  /// is a factor and chance is in [0, 1).
  double half_point(int64_t f, double chance) const;
};

/// The pictures [B, C, H, W] at the turning point log_snrs[level], with the noise that u_turns gives them. Throws
/// std::out_of_range unless level < log_snrs.size().
Tensor turning_point(const PictureBatch& batch, const std::vector<double>& log_snrs, size_t level);

/// `denoiser` with the condition of the way back. Throws ValueError for options out of range.
UTurns u_turns(const PromptedDenoiser& denoiser, const PictureBatch& batch, const KeepsFactors& keeps,
               const UTurnOptions& options, const Control& control = {});

void describe(AnswerDescriber& d, const UTurns& answer);

/// Of one picture: `turns` regenerations at each level, in place of pictures.
struct UTurnQuestion {
  int64_t turns = 32;
  UTurnOptions options;
};
void describe(Describer& d, UTurnQuestion& question);

}  // namespace noisescope::explain
