// What a denoiser is still undecided about: principal components of x_0 given a noisy picture.
//
// Cov[x_0 | x] = sigma^2 dD/dx (Tweedie's second-order formula; Manor & Michaeli 2024,
// arXiv:2309.13598), so its leading eigenvectors are those of the Jacobian of the denoiser, found by
// subspace iteration with central differences; no gradients are needed.
#pragma once

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/explain/batch.h"

namespace noisescope::explain {

class AnswerDescriber;

struct UncertaintyOptions {
  int64_t components = 1;
  int64_t iterations = 20;
  double step = 0.05;  // of the central difference, in units of sigma
  int64_t pass_size = 128;

  /// Denoiser evaluations a picture.
  int64_t cost() const { return 2 * components * iterations; }
};
void describe(Describer& d, UncertaintyOptions& options);

struct PosteriorComponents {
  Tensor directions;  // [k, B, C, H, W], orthonormal for each picture, dtype of x
  Tensor variances;   // [k, B] float64, falling: variance of x_0 along each direction (pixel units squared)
};

/// For noisy pictures; `noise` draws the start vectors. The Jacobian of an exact denoiser is symmetric; of a network
/// its symmetric part within the subspace is taken. Throws ValueError for options out of range (components must not
/// exceed C H W), ShapeError.
PosteriorComponents posterior_components(const PromptedDenoiser& denoiser, const NoisyPictures& noisy,
                                         const UncertaintyOptions& options, const PathNoise& noise,
                                         const Control& control = {});

void describe(AnswerDescriber& d, const PosteriorComponents& answer);

/// Of one picture: noise levels at which it is noised along the subject's paths.
struct UncertaintyQuestion {
  std::vector<double> log_snrs = {-4.5, -3, -1.5};
  UncertaintyOptions options;
};
void describe(Describer& d, UncertaintyQuestion& question);

/// One noise level: N noise draws of the picture.
struct UncertaintyAtLevel {
  double log_snr = 0;
  Tensor noisy, estimate;  // [N, C, H, W], [1, C, H, W]: of the first draw
  PosteriorComponents components;
};
void describe(AnswerDescriber& d, const UncertaintyAtLevel& answer);

}  // namespace noisescope::explain
