// Evidence over paths as the page takes it: means with intervals.
#pragma once

#include "noisescope/explain/evidence.h"
#include "noisescope/studio/request.h"

namespace noisescope::studio {

/// An estimate of the finite ones of values [n]; null where there is no number or no interval.
Json estimate_json(const Tensor& values);

/// Mean over paths [P, ...] and half-width of its interval by Student's t, [2, ...].
Tensor mean_and_half(const Tensor& of_paths);

/// {"total", "decision": {"value", "low", "high"}, "half_point"}.
Json evidence_json(const Evidence& evidence);

}  // namespace noisescope::studio
