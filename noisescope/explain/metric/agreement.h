// How alike two maps of the same picture are.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope {

/// Spearman's rank correlation over the pixels of each pair of maps a, b [B, ...]: [B] float64 in
/// [-1, 1], equal values sharing the mean of their ranks (Spearman 1904). Higher = more alike; null
/// value 0, with a spread that grows with the smoothness of the maps. NaN where a map is constant, and
/// so orders nothing, or holds a NaN. Throws ShapeError unless a and b have the same shape.
Tensor rank_correlation(const Tensor& a, const Tensor& b);

}  // namespace noisescope
