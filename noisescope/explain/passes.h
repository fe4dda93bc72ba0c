// Many denoiser evaluations in passes of limited size.
#pragma once

#include "noisescope/explain/batch.h"

namespace noisescope::explain {

/// D(x[sample], sigma[sample], condition) for M rows, at most `pass_size` of them at a time.
///   condition [M, D], sample [M] int64 in [0, B); returns [M, C, H, W].
/// Throws ValueError unless pass_size >= 1.
Tensor denoise_in_passes(const Denoiser& denoiser, const NoisyPictures& noisy, const Tensor& condition,
                         const Tensor& sample, int64_t pass_size);

}  // namespace noisescope::explain
