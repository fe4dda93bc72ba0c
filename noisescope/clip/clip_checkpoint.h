// One safetensors file from which contrastive training goes on: weights, optimiser, counters.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/clip/contrastive.h"

namespace noisescope::clip {

struct ClipCounters {
  int64_t step = 0;
  int64_t images = 0;
  double seconds = 0;  // of training
};

/// Where a run goes on. All zero: from the start, with the reason if a file was there.
struct ClipResume {
  ClipCounters counters;
  std::string note;
};

/// A hash of all that must be equal for a run to go on: model, vocabulary, captions, seed, settings
/// but the budget in seconds, and what does not touch the numbers.
std::string checkpoint_key(const ClipModel& model, const std::vector<std::string>& captions,
                           const ClipTrainOptions& options, uint64_t seed);

/// Atomic: the file holds the old checkpoint or the new one.
void save_clip_checkpoint(const std::filesystem::path& path, const std::string& key, const ClipModel& model,
                          const Optimizer& optimizer, const ClipCounters& counters);

/// Loads weights and optimiser in place. A missing file is a start from zero; so is a damaged one,
/// with a note. Throws ModelError if the file belongs to a run of other settings.
ClipResume load_clip_checkpoint(const std::filesystem::path& path, const std::string& key, const ClipModel& model,
                                Optimizer& optimizer);

}  // namespace noisescope::clip
