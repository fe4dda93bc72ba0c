#include "noisescope/model/family_contrasts.h"

#include <map>

namespace noisescope::model {
namespace {

/// A frame with a word at its {}.
std::string said_with(const FoundWord& found, const std::string& word) {
  std::string text = found.frame;
  return text.replace(found.position, 2, word);
}

}  // namespace

std::vector<PromptContrast> family_contrasts(const std::string& prompt, const std::vector<WordKind>& kinds,
                                             const std::function<bool(const std::string& prompt)>& is_known) {
  std::vector<PromptContrast> contrasts;
  std::map<std::string, int> uses;
  for (const WordKind& kind : kinds) {
    for (const FoundWord& found : find_words(kind, prompt)) {
      PromptContrast contrast{found.word, {found.word}, {prompt}, 0, found.position, found.word, kind.name};
      for (const std::string& word : kind.words) {
        const std::string version = said_with(found, word);
        if (word == found.word || !is_known(version)) continue;
        contrast.values.push_back(word);
        contrast.prompts.push_back(version);
      }
      if (contrast.values.size() < 2) continue;
      if (const int use = ++uses[found.word]; use > 1) contrast.name += ":" + std::to_string(use);
      contrasts.push_back(contrast);
    }
  }
  return contrasts;
}

}  // namespace noisescope::model
