// What was said to "why is this here?", to take away: as a section of a report and as arrays.
#pragma once

#include "noisescope/io/safetensors.h"
#include "noisescope/studio/why.h"
#include "noisescope/viz/report.h"

namespace noisescope::studio {

/// When each word was decided, how much of it, and its map beside the picture; beside the truth where that is known.
Section why_section(const Why& why, const Branch& branch);

/// "log_snrs" [N]; of each word and source "red/model/map" [2, H, W] nats and half-width of the interval,
/// "red/model/decision" [2, N] probability and half-width.
TensorFile why_arrays(const Why& why);

}  // namespace noisescope::studio
