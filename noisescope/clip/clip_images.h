// Pictures of any size as an image tower wants them.
#pragma once

#include <filesystem>

#include "noisescope/clip/pixel_values.h"
#include "noisescope/core/tensor.h"

namespace noisescope::clip {

/// Images [B, 3, H, W] in [-1, 1] as [B, 3, S, S] on the CPU: rounded to 8 bits and preprocessed.
/// Images of that size already pass unchanged.
Tensor to_clip_size(const Tensor& images, const PreprocessOptions& options);

/// The pixel values [3, S, S] of an image file. Throws FormatError for a damaged one, ValueError for one
/// that cannot be cut to size, IoError.
Tensor read_pixel_values(const std::filesystem::path& path, const PreprocessOptions& options);

}  // namespace noisescope::clip
