// What a page offers to type for a model, and how the model is called elsewhere.
#pragma once

#include "noisescope/studio/studio.h"

namespace noisescope::studio {

/// Examples and completions: captions of a world, of given pictures, or those that a run was trained to draw; where
/// nothing is known the empty prompt. `argument`: MODEL on the command line, "" if it has no name there.
StudioOptions studio_options(const Model& model, const std::optional<RunFolder>& folder, const std::string& argument);

}  // namespace noisescope::studio
