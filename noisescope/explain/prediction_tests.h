// Does what a network takes for noise look different because of the prompt? Tests of eps-hat, whose null
// is not white noise (noise_tests.h) but the same predictions under a permuted prompt, or those of an
// exact denoiser at the same noisy picture.
//
// For each of B pictures there are K predictions at the same x: number 0 under the picture's own prompt
// (or by the network in question), the others under prompts of other pictures (or by the exact
// denoiser). Null: it makes no difference which is which, so the K change places within each picture, in
// all steps and statistics together. z is exact in mean and variance; `corrected` holds |z| against the
// largest |z| of all steps and statistics of each relabelling (Westfall & Young 1993, max T).
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/random.h"
#include "noisescope/diffusion/sampler.h"

namespace noisescope {

/// Moments, spectrum, spatial and channel correlation, each free of the scale but `log_variance`:
///   mean, log_variance, skewness, kurtosis (3 for a normal),
///   horizontal, vertical   correlation of neighbours
///   channels               mean squared correlation of the pairs of channels (C >= 2)
///   low_frequency, high_frequency   shares of the energy in the lowest and highest quarter of frequency
struct NoiseStatistics {
  std::vector<std::string> names;  // [T]
  Tensor values;                   // [B, T] float64
};
/// noise [B, C, H, W], H and W >= 4. Throws ShapeError, ValueError for pictures that are too small,
/// NumericError for a picture without any variance.
NoiseStatistics noise_statistics(const Tensor& noise);

struct PredictionTestOptions {
  int64_t prompts = 4;  // permuted prompts a picture
  int64_t permutations = 1999;
  int64_t pass_size = 128;

  /// Denoiser evaluations for `steps` steps of `pictures` pictures.
  int64_t cost(int64_t steps, int64_t pictures) const { return steps * pictures * (prompts + 1); }
};
void describe(Describer& d, PredictionTestOptions& options);

/// S steps, T statistics; float64 on the CPU.
struct PredictionTests {
  std::vector<std::string> names;  // [T]
  Tensor z;          // [S, T]: own minus all, in standard deviations of the null; null value 0
  Tensor p;          // [S, T]: two-sided, each test alone
  Tensor corrected;  // [S, T]: over all steps and statistics
};

/// statistics [S, B, K, T], own at k = 0, K >= 2.
PredictionTests compare_statistics(const Tensor& statistics, std::vector<std::string> names,
                                   int64_t permutations, const Random& random);

/// eps-hat at the recorded x of each step under the own rows of `condition` [B, D] and under
/// `options.prompts` rows of other pictures, drawn by `random`. Pictures that share a prompt weaken the
/// test without harming it. Throws ValueError unless 1 <= prompts < B, or for steps without x.
PredictionTests test_predictions(const Denoiser& denoiser, const std::vector<SamplerStep>& steps,
                                 const Tensor& condition, const PredictionTestOptions& options,
                                 const Random& random);

}  // namespace noisescope
