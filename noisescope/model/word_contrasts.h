// The words of a prompt that an explanation asks about, each with its alternatives.
#pragma once

#include <string>
#include <vector>

#include "noisescope/model/prompt_contrast.h"
#include "noisescope/world/grammar.h"

namespace noisescope::model {

/// One contrast per word. `grammar`: the language of a world, which knows alternatives; null: none. `words` empty:
/// all words of the prompt whose alternatives are known. `alternatives` empty: the known ones, less what would
/// contradict the rest of the prompt. Throws ValueError for a word that is not in the prompt or has no
/// alternatives, or if there is nothing to ask.
std::vector<PromptContrast> word_contrasts(const WorldGrammar* grammar, const std::string& prompt,
                                           const std::vector<std::string>& words,
                                           const std::vector<std::string>& alternatives);

/// The prompt with the contrasted word left open: dropped, on a world as its grammar leaves things open
/// ("a shape", no background).
std::string prompt_without(const WorldGrammar* grammar, const PromptContrast& contrast);

/// [K]: texts that say nothing but each version of the word: "a red shape left" on a world, else the word.
std::vector<std::string> lone_words(const WorldGrammar* grammar, const PromptContrast& contrast);

}  // namespace noisescope::model
