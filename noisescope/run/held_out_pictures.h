// Pictures that no weight of a run was trained on, and what is said of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "noisescope/run/clip_stage.h"

namespace noisescope::run {

struct CaptionedSamples {
  std::vector<int64_t> indices;       // of the dataset
  std::vector<std::string> captions;  // theirs: the fullest that may be said
};

/// How much a caption says, more is fuller; of equals the longer one is.
using Fullness = std::function<size_t(const std::string& caption)>;

/// The first `count` validation samples of which something is said, or all there are; training samples where none are
/// held out. `fullness` empty: by length alone, which may prefer a long general word ("shape") to a short one ("disc").
CaptionedSamples held_out_pictures(const RunData& data, int64_t count, const Fullness& fullness = {});

}  // namespace noisescope::run
