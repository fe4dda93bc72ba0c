// Estimates of figures that are not plain means.
#pragma once

#include "noisescope/core/tensor.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::stats {

Estimate scaled(const Estimate& estimate, double factor);

/// The estimate moved by a number.
Estimate plus(const Estimate& estimate, double number);

/// The estimate with its interval cut to the values that are possible, [low, high].
Estimate bounded(const Estimate& estimate, double low, double high);

/// |value|; the interval is that of the absolute value of what lies in the given one.
Estimate absolute(const Estimate& estimate);

/// Square root of the mean of independent squares [n].
Estimate root_mean(const Tensor& squares);

/// |mean difference| of values [n] from their closed forms [n], relative to the mean closed form.
Estimate relative_off(const Tensor& values, const Tensor& closed);

/// Spearman's correlation of the means over G independent groups of two series [G, n]; the interval
/// is as wide as that of the mean of the groups' own correlations. G >= 2.
Estimate pooled_spearman(const Tensor& a, const Tensor& b);

/// Pearson correlation of two sets of maps [B, H, W] over all pixels of all pictures; the interval
/// is as wide as that of the mean of the pictures' own correlations.
Estimate map_correlation(const Tensor& a, const Tensor& b);

/// How often other data turn the verdict "p <= bar" of a two-sided test: the statistic of a replicate is normal about
/// the true one, as the one that was seen is, so about that with twice the variance (Goodman 1992, Statistics in
/// Medicine 11, p. 875). p and bar in (0, 1).
double p_value_reversal(double p, double bar);

/// How often the smallest p-value of `tests` independent tests falls below `bar` where nothing is
/// to be found.
double null_p_reversal(double bar, int64_t tests);

/// How often the largest of independent errors with mean 0 and these standard errors [n] exceeds
/// `bar` in magnitude: the chance that a method without bias is failed. Errors that vary together:
/// an upper limit.
double worst_error_reversal(const Tensor& standard_errors, double bar);

}  // namespace noisescope::stats
