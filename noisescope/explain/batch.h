// What methods are asked about: pictures with noise of their own, pictures that are noisy, a denoiser that
// has been told the prompts.
#pragma once

#include <vector>

#include "noisescope/core/random.h"
#include "noisescope/diffusion/denoiser.h"

namespace noisescope::explain {

/// Where the noise of pictures comes from: picture b takes (random, Purpose::explain, sample_ids[b]).
struct PathNoise {
  Random random{0};
  std::vector<int64_t> sample_ids;  // [B]; the same picture with several ids: several paths
};

/// Pictures, generated or not, and the noise that is drawn for them.
struct PictureBatch {
  Tensor pictures;  // [B, C, H, W]
  PathNoise noise;

  int64_t size() const { return static_cast<int64_t>(noise.sample_ids.size()); }
};

/// Pictures at noise levels.
struct NoisyPictures {
  Tensor x;      // [B, C, H, W]
  Tensor sigma;  // [B], dtype of x
};

/// A denoiser and the condition of each picture.
struct PromptedDenoiser {
  Denoiser denoiser;
  Tensor condition;  // [B, D]
};

}  // namespace noisescope::explain
