// A run whose training has begun and that nothing can be drawn with yet: it is watched from its start.
#pragma once

#include "noisescope/model/model.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::studio {

/// Whether the folder holds a run that has begun, but neither a model nor a checkpoint yet.
bool is_to_come(const RunFolder& folder);

/// What stands for the model meanwhile: of its name and the size of its pictures; whatever is asked of it throws
/// NotNow.
Model model_to_come(const RunFolder& folder);

/// What is waited for, in a sentence.
extern const char* const kWaitsForCheckpoint;

}  // namespace noisescope::studio
