#include "noisescope/model/prompt_contrast.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"

namespace noisescope::model {
namespace {

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (is_word_character(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  return words;
}

/// "word:2" -> the word and 2.
std::pair<std::string, int> split_occurrence(const std::string& text) {
  const size_t colon = text.rfind(':');
  int number = 0;
  if (colon != std::string::npos && colon > 0) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= 1) {
      return {text.substr(0, colon), number};
    }
  }
  return {text, 1};
}

/// Where the n-th whole occurrence begins; npos: there is none.
size_t find_word(const std::string& prompt, const std::string& word, int occurrence) {
  const std::string text = lower_case(prompt), wanted = lower_case(word);
  for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    const bool whole =
        (at == 0 || !is_word_character(text[at - 1])) && (end == text.size() || !is_word_character(text[end]));
    if (whole && --occurrence == 0) return at;
  }
  return std::string::npos;
}

/// What is said twice would count twice.
void check_alternatives(const std::string& word, const std::vector<std::string>& alternatives) {
  std::set<std::string> seen;
  for (const std::string& value : alternatives) {
    if (split_words(value).empty()) {
      throw ValueError("[model.contrast_prompts] expected words as alternatives to '" + word + "', got a blank one ('" +
                       value + "'); take it out");
    }
    if (!seen.insert(lower_case(value)).second) {
      throw ValueError("[model.contrast_prompts] expected different alternatives to '" + word + "', got '" + value +
                       "' twice; take one out");
    }
  }
}

}  // namespace

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

PromptContrast contrast_prompts(const std::string& prompt, const std::string& word,
                                const std::vector<std::string>& alternatives) {
  const auto [wanted, occurrence] = split_occurrence(word);
  const size_t at = wanted.empty() ? std::string::npos : find_word(prompt, wanted, occurrence);
  if (at == std::string::npos) {
    throw ValueError("[model.contrast_prompts] expected a word of the prompt, got '" + word + "'; the words of \"" +
                     prompt + "\" are " + join(split_words(prompt)));
  }
  check_alternatives(word, alternatives);
  PromptContrast contrast;
  contrast.word = prompt.substr(at, wanted.size());
  contrast.position = at;
  contrast.name = occurrence == 1 ? contrast.word : contrast.word + ":" + std::to_string(occurrence);
  const auto same = [own = lower_case(wanted)](const std::string& value) { return lower_case(value) == own; };
  contrast.values = alternatives;
  if (std::none_of(alternatives.begin(), alternatives.end(), same)) {
    contrast.values.insert(contrast.values.begin(), contrast.word);
  }
  if (contrast.values.size() < 2) {
    throw ValueError("[model.contrast_prompts] expected alternatives to '" + word +
                     "', got none; name them with --alternatives");
  }
  for (const std::string& value : contrast.values) {
    if (same(value)) contrast.true_version = static_cast<int64_t>(contrast.prompts.size());
    contrast.prompts.push_back(prompt.substr(0, at) + value + prompt.substr(at + wanted.size()));
  }
  return contrast;
}

std::vector<std::string> words_of(const std::string& prompt, const std::vector<std::string>& vocabulary) {
  std::vector<std::string> found;
  std::map<std::string, int> seen;
  for (const std::string& word : split_words(prompt)) {
    if (std::find(vocabulary.begin(), vocabulary.end(), lower_case(word)) == vocabulary.end()) continue;
    const int count = ++seen[lower_case(word)];
    found.push_back(count == 1 ? word : word + ":" + std::to_string(count));
  }
  return found;
}

}  // namespace noisescope::model
