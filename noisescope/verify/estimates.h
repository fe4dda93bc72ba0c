// Estimates of figures that are not plain means.
#pragma once

#include "noisescope/evaluate/statistics.h"

namespace noisescope {

Estimate scaled(const Estimate& estimate, double factor);

/// |value|; the interval is that of the absolute value of what lies in the given one.
Estimate absolute(const Estimate& estimate);

/// Square root of the mean of independent squares [n].
Estimate root_mean(const Tensor& squares);

/// |mean| of independent values [n] in standard errors of the mean: how far 0 is.
Estimate in_standard_errors(const Tensor& values);

/// Pearson correlation of two sets of maps [B, H, W] over all pixels of all pictures; the interval is
/// as wide as that of the mean of the pictures' own correlations.
Estimate map_correlation(const Tensor& a, const Tensor& b);

}  // namespace noisescope
