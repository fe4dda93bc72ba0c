// Pictures that no weight of a run was trained on, and what is said of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/run/clip_stage.h"

namespace noisescope::run {

struct CaptionedSamples {
  std::vector<int64_t> indices;       // of the dataset
  std::vector<std::string> captions;  // theirs: the longest that may be said, which leaves least open
};

/// The first `count` validation samples of which something is said, or all there are; training samples where none are
/// held out.
CaptionedSamples held_out_pictures(const RunData& data, int64_t count);

}  // namespace noisescope::run
