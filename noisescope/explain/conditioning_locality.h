// Locality of conditioning: which pixels' denoising depends on a word, at which noise level?
//
// At one level, for one picture, N noise draws x_n = picture + sigma eps_n and K versions of the word:
//   T_j = sum_c (mean_n [D_own(x_n) - mean_k D_k(x_n)]_jc)^2,
// how far the own version moves the estimate of pixel j in the same direction in every draw. Its null:
// in each draw the K estimates change places, all pixels together (a version that is no version of
// anything), so p is exact for any denoiser and any dependence between pixels. Pixels are selected by
// Benjamini & Hochberg 1995 over the picture at each level.
//
// A network's estimate is never exactly indifferent: with enough draws any change is significant. A
// pixel therefore counts as dependent only where the change is also large enough to matter
// (`smallest_change`).
#pragma once

#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/explain/evidence.h"

namespace noisescope::explain {

class AnswerDescriber;

struct LocalityOptions {
  std::vector<double> log_snrs = {-5, -3, -1, 1};
  int64_t draws = 16;  // N noise draws a picture and level
  int64_t permutations = 999;
  double false_share = 0.05;      // of the pixels called dependent, expected at most
  double smallest_change = 0.05;  // RMS over channels, pictures in [-1, 1]; 0: any significant one
  int64_t pass_size = 128;

  /// Denoiser evaluations for `pictures` pictures and `versions` versions.
  int64_t cost(int64_t pictures, int64_t versions) const {
    return static_cast<int64_t>(log_snrs.size()) * draws * pictures * versions;
  }
};
void describe(Describer& d, LocalityOptions& options);

/// L levels, B pictures; float64 on the CPU.
struct ConditioningLocality {
  std::vector<double> log_snrs;  // [L]
  Tensor squared_change;         // [L, B, H, W]: |D_own - D_k|^2 summed over channels, mean over draws and k
  Tensor change;                 // [L, B, H, W]: sqrt(T / C), the part that is the same in every draw
  Tensor p;                      // [L, B, H, W]: uniform where the versions make no difference
  Tensor corrected;              // [L, B, H, W]: Benjamini-Hochberg over the pixels of a picture and level
  Tensor dependent;              // [L, B, H, W] bool: corrected <= false_share and change >= smallest_change
};

/// Maps of the pictures for one word in K versions (`contrast`, as for evidence filtering). Draw n of
/// picture b at level l is number sample_ids[b] * draws + n of
/// (random, Purpose::explain, l). Throws ValueError for options out of range or K < 2, ShapeError for
/// what does not fit, NumericError for estimates that are not finite.
ConditioningLocality conditioning_locality(const Denoiser& denoiser, const PictureBatch& batch,
                                           const Contrast& contrast, const LocalityOptions& options,
                                           const Control& control = {});

void describe(AnswerDescriber& d, const ConditioningLocality& answer);

}  // namespace noisescope::explain
