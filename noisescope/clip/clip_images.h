// Pictures of any size as an image tower wants them.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope {

/// Images [B, 3, H, W] in [-1, 1] as [B, 3, size, size] on the CPU: rounded to 8 bits, shortest side
/// to `size` by Pillow's bicubic, centre crop (io/resize.h). Images of that size pass unchanged.
Tensor to_clip_size(const Tensor& images, int64_t size);

}  // namespace noisescope
