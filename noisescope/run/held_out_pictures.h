// Pictures that no weight of a run was trained on, and what is said of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/explain/decision_windows.h"
#include "noisescope/run/clip_stage.h"

namespace noisescope::run {

struct CaptionedSamples {
  std::vector<int64_t> indices;       // of the dataset
  std::vector<std::string> captions;  // theirs: the longest that may be said, which leaves least open
};

/// The first `count` validation samples of which something is said, or all there are; training samples where none are
/// held out.
CaptionedSamples held_out_pictures(const RunData& data, int64_t count);

/// Each caption against up to `others` of the other distinct ones, those that follow it in order; the own version is
/// the first. Empty where all captions are the same.
std::vector<WordQuestion> captions_against_others(const std::vector<std::string>& captions, size_t others);

}  // namespace noisescope::run
