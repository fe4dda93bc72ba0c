// A prompt with one of its words in several versions: the question that evidence filtering answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::model {

struct PromptContrast {
  std::string word;                  // as it stands in the prompt
  std::vector<std::string> values;   // K versions of the word, the own one among them
  std::vector<std::string> prompts;  // K: the prompt with each
  int64_t true_version = 0;          // which of them is the prompt itself
  size_t position = 0;               // where the word begins in the prompt
  std::string name;                  // the word, or "word:2" for its second occurrence: no two of a prompt share one
  std::string kind = {};             // of the word, "colour", where a vocabulary knows it: model/calibration.h
};

/// Replaces a word (or a phrase of several words) of `prompt` by each of `alternatives`; the own word
/// is added in front where it is not among them. "word:2" means its second occurrence. Words are
/// matched whole, ASCII case does not matter.
/// Throws ValueError if the word is not in the prompt (naming its words), nothing else is to choose, or an alternative
/// is blank or said twice.
PromptContrast contrast_prompts(const std::string& prompt, const std::string& word,
                                const std::vector<std::string>& alternatives);

/// ASCII letters in lower case: how words are compared.
std::string lower_case(std::string text);

/// The words of `prompt` that are in `vocabulary`, in order, second occurrences as "word:2".
std::vector<std::string> words_of(const std::string& prompt, const std::vector<std::string>& vocabulary);

}  // namespace noisescope::model
