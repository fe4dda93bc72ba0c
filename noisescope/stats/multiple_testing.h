// Many tests at once: p-values from relabelling, and their correction for having asked often.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope::stats {

/// Holm's step-down correction of p-values [T] (Holm 1979, Scand. J. Stat. 6, p. 65): rejecting where
/// the result is <= a keeps the chance of any false rejection <= a, however the tests depend.
Tensor holm(const Tensor& p);

/// Adjusted p-values of Benjamini & Hochberg 1995 (J. R. Stat. Soc. B 57, p. 289), in the shape of `p`
/// (any): rejecting where the result is <= q keeps the expected share of false ones among the
/// rejected <= q, for independent or positively dependent tests (Benjamini & Yekutieli 2001).
Tensor benjamini_hochberg(const Tensor& p);

/// p-values of M cells, large = unusual: (1 + #{null >= observed}) / (P + 1), each cell alone. Exact at
/// any P where the labels are exchangeable (Phipson & Smyth 2010, arXiv:1603.05766). float64 [M].
///   observed [M], null [P, M]: the same statistics under P random relabellings
Tensor relabelling_p(const Tensor& observed, const Tensor& null);

/// The same against the largest of all cells of each relabelling: the chance of any false rejection
/// among the M stays below the level, whatever their dependence (Westfall & Young 1993, single-step
/// max T). The cells must be in comparable units (z-scores).
Tensor relabelling_max_p(const Tensor& observed, const Tensor& null);

}  // namespace noisescope::stats
