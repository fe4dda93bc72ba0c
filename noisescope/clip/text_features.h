// What a text tower gives of its tokens.
#pragma once

#include <cstdint>

#include "noisescope/core/tensor.h"

namespace noisescope::clip {

struct TextFeatures {
  Tensor embedding;  // [B, E], not normalised
  Tensor hidden;     // [B, L, D] after the final LayerNorm: transformers' last_hidden_state
};

/// Which states of the tokens to give.
struct TextHiddenOptions {
  int64_t skip = 0;        // leave out this many blocks at the end ("clip skip")
  bool final_norm = true;  // pass them through the final LayerNorm
};

}  // namespace noisescope::clip
