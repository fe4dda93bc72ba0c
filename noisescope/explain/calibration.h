// How much of a model's evidence to believe. p_k along a noising path (explain/evidence.h) is a classifier of the
// versions of a word, so its reliability can be measured on any model, by held-out pictures and what is said of them,
// and mended: the evidence of each step is weighed by an inverse temperature (temperature scaling: Guo et al. 2017,
// arXiv:1706.04599) linear in log-SNR,
//   ln p_k(N) = sum_n w(lambda_n) z_kn - ln K + const,   z_kn = ln of version k's kernel of step n (evidence.h),
// which is the filter whose kernels have variance v / w in place of v. Every kind of word has a w of its own (colours
// are not decided as shapes are), by its two ends theta_kind. The log score, ln p of the true version averaged over
// levels and summed over pictures, is concave in them; they maximise it under theta_kind ~ N(theta, 1/2^2),
// theta ~ N(1, 1) and theta >= 0, so that a kind of which little is known takes after all words together, and
// these after 1. Questions without a kind have theta itself. Scores count by the
// information in them, since levels of one path vary together; covariances are those of the sandwich over pictures
// (White 1982, Econometrica 50, p. 1) with the prior as one more observation.
//
// Weights count only where the cross-fitted gain in log score is certain (Calibration::is_needed): the fit to 64
// pictures errs by about .2, and would make a calibrated model worse.
//
// What a temperature cannot mend is evidence about something else: a filter whose log-odds are the exact ones plus
// noise of its own is calibrated where the exact ones regress on it with slope 1, and then its own slope on the exact
// ones is the squared correlation of both, below 1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/explain/decision_windows.h"
#include "noisescope/model/calibration.h"

namespace noisescope::explain {

/// Evidence of words of one kind ("": of none that is known), all with the same number of versions.
struct KindEvidence {
  std::string kind;
  Evidence evidence;
};

/// As evidence_of_questions, by the kind of the contrasts; each kind with noise of its own.
std::vector<KindEvidence> evidence_by_kind(const Model& model, const CaptionedPictures& asked,
                                           const EvidenceOptions& options, const Random& random,
                                           const Control& control = {});

/// The calibration of evidence as it is claimed (Evidence::claimed); parts must share their levels. Every picture is
/// taken as independent of the others. Reliability and scores afterwards are cross-fitted in four folds. Throws
/// ValueError for fewer than 8 pictures, or parts with other levels.
Calibration fit_calibration(const std::vector<KindEvidence>& parts);

/// The weights that a model's calibration gives a kind of word, as a contrast takes them; empty where it has none, or
/// options.calibrated is off.
StepWeight step_weight(const std::optional<Calibration>& calibration, const EvidenceOptions& options,
                       const std::string& kind);

}  // namespace noisescope::explain
