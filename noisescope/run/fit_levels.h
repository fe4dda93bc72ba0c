// Noise levels fitted to where the model at hand decides what captions say (noise_levels.distribution:
// information).
#pragma once

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/clip_stage.h"
#include "noisescope/run/run_config.h"

namespace noisescope::run {

/// Measures the decision windows of held-out pictures (explain/decision_windows.h) and fits the levels. The questions
/// are the words of each picture's fullest caption, where the data knows alternatives, else each caption against
/// those of the other pictures. Keeps windows and fit in folder.noise_levels().
/// Throws DataError if there are no captions, or all are the same.
NoiseLevelOptions fit_noise_levels(const TextToImage& model, const RunConfig& config, const RunData& data,
                                   const RunFolder& folder, const Control& control);

}  // namespace noisescope::run
