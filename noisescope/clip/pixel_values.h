// The bytes of a preprocessed picture as the numbers a published CLIP sees.
#pragma once

#include "noisescope/clip/preprocess.h"
#include "noisescope/core/tensor.h"

namespace noisescope::clip {

/// float32 [3, H, W]: (byte * scale - mean) / deviation, each step rounded as the profile's program
/// rounds it (openai, open_clip: byte / 255 in float32; hf: the product in double, then float32), so
/// that the numbers are the same bits. Throws ShapeError unless RGB.
Tensor pixel_values(const Image& image, const PreprocessOptions& options);

/// Both steps for several pictures, [B, 3, H, W]. Throws as preprocess; ShapeError if the sizes differ
/// (resize none).
Tensor pixel_values(const std::vector<StoredImage>& images, const PreprocessOptions& options);

}  // namespace noisescope::clip
