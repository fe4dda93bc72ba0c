// Between 8-bit images and tensors. Pixel p of 0..255 is the value p / 127.5 - 1 of [-1, 1].
#pragma once

#include "noisescope/core/tensor.h"
#include "noisescope/io/image.h"

namespace noisescope::io {

/// uint8 [C, H, W].
Tensor image_to_bytes(const Image& image);

/// The image of a uint8 [C, H, W] tensor with C = 1, 3 or 4. Throws ShapeError for others.
Image image_from_bytes(const Tensor& bytes);

/// float32 in [-1, 1] of uint8 values, any shape and device.
Tensor bytes_to_values(const Tensor& bytes);

/// uint8 of floating values, any shape and device: rounded, clamped to [-1, 1].
/// Throws NumericError if there is a NaN.
Tensor values_to_bytes(const Tensor& values);

/// float32 [C, H, W] in [-1, 1].
Tensor image_to_tensor(const Image& image);

/// The image of a floating [C, H, W] tensor, any device: rounded, clamped. Throws ShapeError,
/// NumericError.
Image tensor_to_image(const Tensor& values);

}  // namespace noisescope::io
