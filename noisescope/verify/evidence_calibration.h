// The log-odds of evidence against the exact ones, before and after calibration.
#pragma once

#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_question.h"

namespace noisescope::verify {

/// [N, B] float64: 1 where p(own version) lies between .05 and .95, else 0.
Tensor undecided(const Tensor& own_probability);

/// Log-odds of the true version, less those of the prior, at every level and picture whose exact posterior [N, B, K] is
/// undecided, by least squares through 0; intervals over pictures. The slope of the filtered ones on the exact ones: 1
/// for a filter that weighs evidence as it should and hears nothing else.
Estimate log_odds_slope(const Evidence& evidence, const Tensor& exact, const Random& random);
/// The slope of the exact ones on the filtered ones: 1 for a calibrated filter, whatever else it hears.
Estimate exact_slope(const Evidence& evidence, const Tensor& exact, const Random& random);
/// The product of both slopes, the squared correlation (about 0): at most the slope on the exact ones that a calibrated
/// filter can have.
Estimate log_odds_correlation(const Evidence& evidence, const Tensor& exact, const Random& random);

/// The trained subject's evidence, calibrated: as the run is, else by 64 scenes apart from those of the rows.
Evidence ask_calibrated(const VerifyContext& context, Question question);

/// On the exact world: what calibration makes of denoisers that claim too much or too little.
VerifyRows calibration_rows(const VerifyContext& context);

}  // namespace noisescope::verify
