// What noise level and condition say to the residual blocks.
#pragma once

#include <vector>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "noisescope/core/tensor.h"

namespace noisescope::nn {

/// The layers by which a block of feature maps [B, C, height, width] is modulated.
struct ModulationLayers {
  torch::nn::Linear film;      // E -> 2C
  torch::nn::Conv2d film_map;  // M -> 2C; empty without a condition map
  int64_t height = 0, width = 0;
};

/// film(embedding) + film_map(condition map): scale - 1, then shift (FiLM, arXiv:1709.07871, eq. 1-2), for each block
/// [B, 2C, h, w] with the map's size, h <= height, w <= width: pooled where a block is coarser than the map; where it
/// is finer, it grows what it makes of the map, which costs less. Without a map [B, 2C, 1, 1].
///   embedding      [B, E], activated
///   condition_map  [B, M, H, W]; undefined: none
/// One product for all blocks, one convolution for all of a size: each alone is too small to be worth its call.
std::vector<Tensor> modulations(const std::vector<ModulationLayers>& blocks, const Tensor& embedding,
                                const Tensor& condition_map);

}  // namespace noisescope::nn
