#include "noisescope/model/word_contrasts.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/world/grammar.h"

namespace noisescope::model {
namespace {

/// Words that are alternatives of each other.
struct Vocabulary {
  std::string kind;
  std::vector<std::string> words;

  bool knows(const std::string& word) const { return std::find(words.begin(), words.end(), word) != words.end(); }
};

/// The lists of a world.
std::vector<Vocabulary> vocabularies(const WorldGrammar* grammar) {
  if (!grammar) return {};
  const WorldOptions& world = grammar->world().options();
  return {{"shape", world.shapes}, {"colour", world.colours}, {"background", world.backgrounds}};
}

/// "red:2" -> "red"
std::string plain_word(const std::string& word) { return lower_case(word.substr(0, word.find(':'))); }

/// "" where no list knows the word.
std::string kind_of(const WorldGrammar* grammar, const std::string& word) {
  for (const Vocabulary& list : vocabularies(grammar)) {
    if (list.knows(plain_word(word))) return list.kind;
  }
  return "";
}

std::vector<std::string> known_words(const WorldGrammar* grammar, const std::string& prompt) {
  std::vector<std::string> all;
  for (const Vocabulary& list : vocabularies(grammar)) all.insert(all.end(), list.words.begin(), list.words.end());
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
  std::vector<std::string> possible;
  for (const Vocabulary& list : vocabularies(grammar)) {
    if (!list.knows(plain_word(word))) continue;
    const PromptContrast all = contrast_prompts(prompt, word, list.words);
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
    contrasts.back().kind = kind_of(grammar, word);
  }
  return contrasts;
}

}  // namespace noisescope::model
