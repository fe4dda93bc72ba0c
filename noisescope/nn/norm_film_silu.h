// Group norm, feature-wise modulation and SiLU as one operator: what stands between the convolutions of a block.
#pragma once

#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include "noisescope/core/tensor.h"

namespace noisescope::nn {

/// silu((1 + scale) * norm(x) + shift): group norm (arXiv:1803.08494, eq. 1-2 and 6), FiLM (arXiv:1709.07871, eq. 1-2),
/// SiLU (arXiv:1702.03118, eq. 5). On a CPU one pass forward and one back, in which nothing but x is kept, for x in
/// float32 or bfloat16 (computed in float32, written in x's dtype; norm and film float32);
/// the same torch operators one by one elsewhere. Differentiable once.
///   x     [B, C, H, W], best in channels last: anything else is copied into it
///   film  [B, 2C, h, w], scale and then shift, each value ruling H/h x W/w pixels (nearest neighbour where h does not
///         divide H or w not W); undefined: scale 0, shift 0
/// -> [B, C, H, W], channels last. Throws ShapeError for a film of another batch or number of channels.
Tensor norm_film_silu(const Tensor& x, torch::nn::GroupNorm& norm, const Tensor& film = {});

/// The same by torch's operators, in any dtype on any device, differentiable as often as wanted.
Tensor norm_film_silu_composed(const Tensor& x, torch::nn::GroupNorm& norm, const Tensor& film = {});

}  // namespace noisescope::nn
