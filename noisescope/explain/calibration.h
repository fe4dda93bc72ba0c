// How much of a model's evidence to believe. p_k along a noising path (explain/evidence.h) is a classifier of the
// versions of a word, so its reliability can be measured on any model, by held-out pictures and what is said of them,
// and mended: the evidence of each step is weighed by an inverse temperature (temperature scaling: Guo et al. 2017,
// arXiv:1706.04599) linear in log-SNR,
//   ln p_k(N) = sum_n w(lambda_n) z_kn - ln K + const,   z_kn = ln of version k's kernel of step n (evidence.h),
// which is the filter whose kernels have variance v / w in place of v. The log score, ln p of the true version averaged
// over all levels and pictures, is concave in the two ends of w; they are fitted to it under w >= 0 and a prior
// N(1, 4^2) on each end, which only matters where pictures decide nothing. Their covariance is the sandwich (White
// 1982, Econometrica 50, p. 1) over pictures.
//
// Weights count only where the cross-fitted gain in log score is certain (Calibration::is_needed): the fit to 64
// pictures errs by .1 to .2, and would make a calibrated model worse.
//
// What a temperature cannot mend is evidence about something else: a filter whose log-odds are the exact ones plus
// noise of its own is calibrated where the exact ones regress on it with slope 1, and then its own slope on the exact
// ones is the squared correlation of both, below 1.
#pragma once

#include <optional>
#include <vector>

#include "noisescope/explain/evidence.h"
#include "noisescope/model/calibration.h"

namespace noisescope::explain {

/// The calibration of evidence as it is claimed (Evidence::claimed); parts may have different numbers of versions and
/// must share their levels. Every picture is taken as independent of the others. Reliability and score afterwards are
/// cross-fitted in four folds. Throws ValueError for fewer than 8 pictures, or parts with other levels.
Calibration fit_calibration(const std::vector<Evidence>& parts);

/// The weights of a model's calibration as a contrast takes them; empty where it has none, or options.calibrated is
/// off.
StepWeight step_weight(const std::optional<Calibration>& calibration, const EvidenceOptions& options);

}  // namespace noisescope::explain
