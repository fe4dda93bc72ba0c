#include "noisescope/model/word_contrasts.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/world/grammar.h"

namespace noisescope::model {
namespace {

/// The lists of a world whose words are alternatives of each other.
std::vector<std::vector<std::string>> vocabularies(const WorldGrammar* grammar) {
  if (!grammar) return {};
  const WorldOptions& world = grammar->world().options();
  return {world.shapes, world.colours, world.backgrounds};
}

std::vector<std::string> known_words(const WorldGrammar* grammar, const std::string& prompt) {
  std::vector<std::string> all;
  for (const auto& list : vocabularies(grammar)) all.insert(all.end(), list.begin(), list.end());
  const std::vector<std::string> words = words_of(prompt, all);
  if (words.empty()) {
    throw ValueError("[model.word_contrasts] expected a word with known alternatives in \"" + prompt +
                     "\", got none; name it and them with --word and --alternatives");
  }
  return words;
}

/// The list that a word belongs to, less what would contradict the rest of the prompt.
std::vector<std::string> known_alternatives(const WorldGrammar* grammar, const std::string& prompt,
                                            const std::string& word) {
  if (!grammar) return {};
  const std::string plain = lower_case(word.substr(0, word.find(':')));
  std::vector<std::string> possible;
  for (const auto& list : vocabularies(grammar)) {
    if (std::find(list.begin(), list.end(), plain) == list.end()) continue;
    const PromptContrast all = contrast_prompts(prompt, word, list);
    for (size_t k = 0; k < all.prompts.size(); ++k) {
      try {
        grammar->parse(all.prompts[k]);
        possible.push_back(all.values[k]);
      } catch (const ValueError&) {  // the two objects would be the same
      }
    }
  }
  return possible;
}

/// Without leading, trailing and repeated spaces.
std::string single_spaced(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::string prompt_without(const WorldGrammar* grammar, const PromptContrast& contrast) {
  std::string prompt = contrast.prompts[static_cast<size_t>(contrast.true_version)];
  const WorldOptions known = grammar ? grammar->world().options() : WorldOptions{.shapes = {}, .backgrounds = {}};
  const auto in = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), lower_case(contrast.word)) != list.end();
  };
  prompt.replace(contrast.position, contrast.word.size(), in(known.shapes) ? "shape" : "");
  if (in(known.backgrounds)) prompt.resize(prompt.rfind(" on "));
  return single_spaced(prompt);
}

std::vector<std::string> lone_words(const WorldGrammar* grammar, const PromptContrast& contrast) {
  using Field = int64_t& (*)(CaptionMeaning&);
  static constexpr Field kFields[] = {[](CaptionMeaning& m) -> int64_t& { return m.left.shape; },
                                      [](CaptionMeaning& m) -> int64_t& { return m.left.colour; },
                                      [](CaptionMeaning& m) -> int64_t& { return m.right.shape; },
                                      [](CaptionMeaning& m) -> int64_t& { return m.right.colour; },
                                      [](CaptionMeaning& m) -> int64_t& { return m.background; }};
  if (!grammar) return contrast.values;
  std::vector<CaptionMeaning> versions;
  for (const std::string& prompt : contrast.prompts) versions.push_back(grammar->parse(prompt));
  std::vector<std::string> texts;
  for (CaptionMeaning& version : versions) {
    CaptionMeaning lone;
    lone.ordered = version.ordered;
    for (const Field field : kFields) {
      if (field(versions[0]) != field(versions[1])) field(lone) = field(version);
    }
    texts.push_back(grammar->say(lone));
  }
  return texts;
}

std::vector<PromptContrast> word_contrasts(const WorldGrammar* grammar, const std::string& prompt,
                                           const std::vector<std::string>& words,
                                           const std::vector<std::string>& alternatives) {
  std::vector<PromptContrast> contrasts;
  for (const std::string& word : words.empty() ? known_words(grammar, prompt) : words) {
    contrasts.push_back(contrast_prompts(
        prompt, word, alternatives.empty() ? known_alternatives(grammar, prompt, word) : alternatives));
  }
  return contrasts;
}

}  // namespace noisescope::model
