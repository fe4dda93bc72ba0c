// The log-odds of evidence against the exact ones, before and after calibration.
#pragma once

#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_question.h"

namespace noisescope::verify {

/// [N, B] float64: 1 where p(own version) lies between .05 and .95, else 0.
Tensor undecided(const Tensor& own_probability);

/// Root mean square of decision curves less exact ones, at the levels at which a picture is undecided by the exact
/// posterior [N, B, K]; the interval is that of a ratio of sums over pictures.
Estimate undecided_rmse(const Evidence& evidence, const Tensor& exact);

/// Log-odds of the true version, less those of the prior, at every level and picture whose exact posterior [N, B, K] is
/// undecided, by least squares through 0; intervals over pictures. The slope of the filtered ones on the exact ones: 1
/// for a filter that weighs evidence as it should and hears nothing else.
Estimate log_odds_slope(const Evidence& evidence, const Tensor& exact, const Random& random);
/// The slope of the exact ones on the filtered ones: 1 for a calibrated filter, whatever else it hears.
Estimate exact_slope(const Evidence& evidence, const Tensor& exact, const Random& random);
/// exact_slope at the levels of one unit of log-SNR, where it is farthest from 1: of units that hold at least 5 % of
/// what is undecided.
Estimate worst_level_slope(const Evidence& evidence, const Tensor& exact, const Random& random);
/// The product of both slopes, the squared correlation (about 0): at most the slope on the exact ones that a calibrated
/// filter can have.
Estimate log_odds_correlation(const Evidence& evidence, const Tensor& exact, const Random& random);

/// The trained subject with a calibration by 64 scenes apart from those of the rows, as training ends with.
Model calibrated_subject(const VerifyContext& context);

/// On the exact world: what calibration makes of denoisers that claim too much or too little.
VerifyRows calibration_rows(const VerifyContext& context);

}  // namespace noisescope::verify
