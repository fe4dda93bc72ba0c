// Ways to take pixels out of pictures, for metrics that ask what a score loses without them.
//
// No replacement is neutral: constants and noise leave pictures that no model was trained on, so that a
// score may fall for their strangeness alone (Hooker et al. 2019, arXiv:1806.10758). The refill draws
// what might as well have stood there, from the diffusion model that is explained.
#pragma once

#include <functional>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/random.h"
#include "noisescope/diffusion/denoiser.h"

namespace noisescope::explain {

/// M finite pictures [M, C, H, W] with the pixels `removed` [M, H, W] bool replaced; all others stay as
/// they are. `sample` [M] int64 says which picture of the batch a row was made from: rows of one sample share
/// their noise.
using Removal = std::function<Tensor(const Tensor& pictures, const Tensor& removed, const Tensor& sample)>;

/// One finite value for every removed pixel and channel.
Removal replace_by(double value);

/// Matched noise: independent normal pixels with the mean and the standard deviation of the picture's
/// channel. Sample k takes (random, Purpose::explain, sample_ids[k]).
Removal replace_by_noise(const Random& random, std::vector<int64_t> sample_ids);

struct RefillOptions {
  int64_t steps = 20;     // noise levels, equally spaced in log-SNR
  int64_t resamples = 3;  // passes over each step but the last: U of RePaint
  double log_snr_min = -8;
  double log_snr_max = 4;  // the last level before the estimate of the clean picture
  int64_t pass_size = 128;

  /// Denoiser evaluations for `pictures` refilled pictures.
  int64_t cost(int64_t pictures) const { return ((steps - 1) * resamples + 1) * pictures; }
};
void describe(Describer& d, RefillOptions& options);

/// RePaint (Lugmayr et al. 2022, arXiv:2201.09865, algorithm 1) between any two noise levels: removed
/// pixels take the ancestral step, kept ones are noised from the picture; then the step is undone by
/// noise and done again, so that both halves come to agree. `condition` [B, D] has a row for each sample;
/// the null condition, or the refill restores what the prompt says.
/// Draws approximately from p(removed pixels | kept pixels); the error falls with steps and resamples.
/// Throws ValueError for options out of range.
Removal refill(Denoiser denoiser, Tensor condition, const RefillOptions& options, const Random& random,
               std::vector<int64_t> sample_ids);

}  // namespace noisescope::explain
