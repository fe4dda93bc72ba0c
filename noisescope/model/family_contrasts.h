// Contrasts of words that a data set of pictures knows: skin tones, colours, hours (data/families.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/data/families.h"
#include "noisescope/model/prompt_contrast.h"

namespace noisescope::model {

/// One contrast for each word of `prompt` that is of one of the kinds, its own version first, with those versions of
/// which `is_known(prompt)` holds; words without another version are left out. Names are those of word_contrasts.
std::vector<PromptContrast> family_contrasts(const std::string& prompt, const std::vector<WordKind>& kinds,
                                             const std::function<bool(const std::string& prompt)>& is_known);

}  // namespace noisescope::model
