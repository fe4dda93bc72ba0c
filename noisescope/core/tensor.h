// The one tensor type of the project and its shape checks.
//
// Dimension letters used in every comment:
//   B batch, C channels, H W image, L tokens, D width, N heads, S solver steps, K alternatives.
// Images are [B, C, H, W] float32 in [-1, 1]; uint8 [H, W, C] exists only in io.
#pragma once

#include <initializer_list>
#include <string>

#include <torch/types.h>

#include "noisescope/core/namespaces.h"

namespace noisescope {

using torch::Tensor;

/// How networks keep feature maps and the weights of convolutions: the channels of a pixel side by side.
inline constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

/// Throws ShapeError unless `tensor` has the given sizes; -1 stands for any size.
/// `where` is "module.function", `name` the argument: both appear in the message.
void check_shape(const char* where, const char* name, const Tensor& tensor, std::initializer_list<int64_t> sizes);

/// Throws ShapeError unless `tensor` has this dtype.
void check_dtype(const char* where, const char* name, const Tensor& tensor, torch::Dtype dtype);

/// "[2, 3, 32, 32] float": for messages.
std::string describe_tensor(const Tensor& tensor);

/// A [B] tensor seen as [B, 1, 1, ...] with `dims` dimensions, to scale whole samples.
Tensor per_sample(const Tensor& values, int64_t dims = 4);

}  // namespace noisescope
