// Pictures of a model in training: the same prompts and noise at every validation.
#pragma once

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// Prompts that show what a run learns: full captions of a world, some emoji (at most 8), else words
/// spread over the vocabulary.
std::vector<std::string> example_prompts(const RunConfig& config, const TextToImage& model, int64_t count);

/// samples/preview-<images>.png: 8 prompts at the default guidance, seed of the run.
void write_preview(const TextToImage& model, const RunConfig& config, const RunFolder& folder, int64_t images_seen);

}  // namespace noisescope::run
