// What a model folder holds, and everything that keeps it from loading. No model is built.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "noisescope/clip/folder/clip_weights.h"

namespace noisescope::clip {

struct ClipInspection {
  std::filesystem::path weights;  // the file or index that was read
  ClipLayout layout = ClipLayout::hugging_face;
  ClipConfig config;
  std::map<std::string, int64_t> dtypes;  // dtype -> numbers stored in it
  int64_t text_parameters = 0;
  int64_t image_parameters = 0;
  std::string tokenizer;              // "bpe, 49408 tokens, context 77, cleaned as hf"
  std::vector<std::string> problems;  // what is missing or does not fit, a sentence each

  bool loads() const { return problems.empty(); }
};

/// For models with a vision transformer; reads the weights. Never throws for a folder that is not as
/// it should be: that is what `problems` says.
ClipInspection inspect_clip(const std::filesystem::path& folder, const ClipHints& hints = {});

}  // namespace noisescope::clip
