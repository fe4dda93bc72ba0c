// The words of a prompt as the page marks them, and the versions that each might have had.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/live/live_model.h"
#include "noisescope/model/prompt_contrast.h"

namespace noisescope::live {

/// One contrast per word of `words`, or of all words of the prompt whose alternatives the model knows; with
/// `alternatives`, or where there are none with the known ones, less what would name one object twice. Throws as
/// contrast_prompts, and ValueError where nothing is to be asked.
std::vector<PromptContrast> live_contrasts(const LiveModel& model, const std::string& prompt,
                                           const std::vector<std::string>& words,
                                           const std::vector<std::string>& alternatives);

/// A contrast as {"word", "start", "end", "alternatives"}.
nlohmann::ordered_json contrast_json(const PromptContrast& contrast);

/// What the protocol (docs/dev/studio.md) answers to /api/words.
nlohmann::ordered_json prompt_json(const LiveModel& model, const std::string& prompt);

}  // namespace noisescope::live
