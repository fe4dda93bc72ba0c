// Correlation of ranks, for many pairs at once.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope::stats {

/// Spearman's rank correlation of each pair of rows a, b [B, n], equal values sharing the average of
/// their ranks (Spearman 1904): [B] float64 in [-1, 1]. Higher = more alike in order; null value 0, with
/// a spread that grows with the dependence within a row (the smoothness of a map). NaN where a row is
/// constant or holds a NaN. Throws ShapeError for rows that do not pair, ValueError for n < 2.
Tensor rank_correlation(const Tensor& a, const Tensor& b);

}  // namespace noisescope::stats
