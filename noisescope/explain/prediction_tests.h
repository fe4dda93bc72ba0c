// Does what a network takes for noise look different because of the prompt? Tests of eps-hat, whose null
// is not white noise (noise_tests.h) but the same predictions under a permuted prompt, or those of an
// exact denoiser at the same noisy picture.
//
// Permuted prompts: pictures are put in groups of K; in a group each picture is predicted under its own
// prompt and under those of the K - 1 others. Null: it makes no difference who has which prompt, so the
// prompts are permuted within each group, in all steps and statistics together. What a picture or a prompt
// does to eps-hat by itself, whoever it belongs to, cancels.
//
// z is exact in mean and variance; `corrected` holds |z| against the largest |z| of all steps and
// statistics of each relabelling (Westfall & Young 1993, max T).
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/batch.h"

namespace noisescope::explain {

class AnswerDescriber;

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
  int64_t group = 5;  // pictures that exchange their prompts
  int64_t permutations = 1999;
  int64_t pass_size = 128;

  /// Denoiser evaluations for `steps` steps of `pictures` pictures.
  int64_t cost(int64_t steps, int64_t pictures) const { return steps * pictures * group; }
};
void describe(Describer& d, PredictionTestOptions& options);

/// S steps, T statistics; float64 on the CPU.
struct PredictionTests {
  std::vector<std::string> names;  // [T]
  Tensor z;                        // [S, T]: own minus all, in standard deviations of the null; null value 0
  Tensor p;                        // [S, T]: two-sided, each test alone
  Tensor corrected;                // [S, T]: over all steps and statistics
};

/// K sets of predictions at the same pictures, of which number 0 is in question: a network's beside an
/// exact denoiser's. Null: within each picture any of them is as likely number 0.
///   statistics [S, B, K, T], K >= 2
PredictionTests compare_statistics(const Tensor& statistics, std::vector<std::string> names, int64_t permutations,
                                   const Random& random);

/// eps-hat at the recorded x of each step against permuted rows of the condition. `random` draws the
/// groups; pictures beyond a whole number of groups are left out. Pictures that share a prompt weaken the
/// test without harming it. Throws ValueError unless 2 <= group <= B, or for steps without x; Interrupted.
PredictionTests test_predictions(const PromptedDenoiser& denoiser, const std::vector<SamplerStep>& steps,
                                 const PredictionTestOptions& options, const Random& random,
                                 const Control& control = {});

void describe(AnswerDescriber& d, const NoiseStatistics& answer);
void describe(AnswerDescriber& d, const PredictionTests& answer);

/// New trajectories of the versions of the first word, asked again with each other's prompts.
struct PredictionTestQuestion {
  int64_t groups = 4;  // trajectories of each version
  int64_t permutations = 999;
  int64_t pass_size = 128;
};
void describe(Describer& d, PredictionTestQuestion& question);

struct PredictionTestsOfWord {
  std::string word;
  int64_t pictures = 0;
  std::vector<double> log_snrs;  // [S]
  PredictionTests tests;
};
void describe(AnswerDescriber& d, const PredictionTestsOfWord& answer);

}  // namespace noisescope::explain
