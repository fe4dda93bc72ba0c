// Evidence along guided runs themselves, from their noise to their pictures, where `evidence` walks fresh noising paths
// of finished pictures.
#pragma once

#include "noisescope/verify/evidence_calibration.h"

namespace noisescope::verify {

/// The scenes' captions drawn by the subject (DDPM, whose steps have the noise of the reverse kernel, at scale 2) and
/// filtered step by step, against the exact posterior where the runs stand. The forward process is the same under every
/// version, so the densities of a path under two versions, whoever drew it, are to each other as those of its end: the
/// filter must find the posterior there, too. Beside that, how much earlier such a run is decided than noising paths of
/// what it drew.
VerifyRows guided_run_rows(const VerifyContext& context, const Model& subject, Question question);

}  // namespace noisescope::verify
