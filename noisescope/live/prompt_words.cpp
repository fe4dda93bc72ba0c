#include "noisescope/live/prompt_words.h"

#include <algorithm>
#include <cctype>

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

/// "a red square left of a red square on dark": the two objects of a world would be the same.
bool names_one_object_twice(const std::string& prompt) {
  const std::string text = lower_case(prompt);
  for (const std::string between : {" left of ", " right of ", " and "}) {
    const size_t at = text.find(between);
    if (at == std::string::npos) continue;
    const std::string first = text.substr(0, at);
    const std::string rest = text.substr(at + between.size()), second = rest.substr(0, rest.find(" on "));
    const bool is_whole = std::count(first.begin(), first.end(), ' ') == 2 && !first.ends_with(" shape");
    return is_whole && first == second;
  }
  return false;
}

std::vector<std::string> listed_words(const LiveModel& model, const std::string& prompt) {
  std::vector<std::string> all;
  for (const auto& list : model.word_lists()) all.insert(all.end(), list.begin(), list.end());
  return words_of(prompt, all);
}

std::vector<std::string> listed_alternatives(const LiveModel& model, const std::string& prompt,
                                             const std::string& word) {
  const std::string plain = lower_case(word.substr(0, word.find(':')));
  std::vector<std::string> possible;
  for (const auto& list : model.word_lists()) {
    if (std::find(list.begin(), list.end(), plain) == list.end()) continue;
    const PromptContrast all = contrast_prompts(prompt, word, list);
    for (size_t k = 0; k < all.prompts.size(); ++k) {
      if (!names_one_object_twice(all.prompts[k])) possible.push_back(all.values[k]);
    }
  }
  return possible;
}

/// Runs of letters, digits, apostrophes and bytes beyond ASCII.
bool is_word_part(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || c == '\'' || std::isalnum(byte);
}

Json words_json(const std::string& prompt, const std::vector<std::string>& known) {
  Json words = Json::array();
  for (size_t begin = 0; begin < prompt.size(); ++begin) {
    if (!is_word_part(prompt[begin])) continue;
    size_t end = begin;
    while (end < prompt.size() && is_word_part(prompt[end])) ++end;
    const std::string text = prompt.substr(begin, end - begin), plain = lower_case(text);
    const bool is_known = std::find(known.begin(), known.end(), plain) != known.end();
    words.push_back({{"text", text},
                     {"start", begin},
                     {"end", end},
                     {"known", is_known},
                     {"suggestion", is_known ? "" : nearest_name(plain, known)}});
    begin = end;
  }
  return words;
}

}  // namespace

std::vector<PromptContrast> live_contrasts(const LiveModel& model, const std::string& prompt,
                                           const std::vector<std::string>& words,
                                           const std::vector<std::string>& alternatives) {
  std::vector<PromptContrast> contrasts;
  for (const std::string& word : words.empty() ? listed_words(model, prompt) : words) {
    contrasts.push_back(
        contrast_prompts(prompt, word, alternatives.empty() ? listed_alternatives(model, prompt, word) : alternatives));
  }
  if (contrasts.empty()) {
    throw ValueError("[live.live_contrasts] expected a word whose alternatives are known, got none in " +
                     in_quotes(prompt) + "; name a word and what it might have been");
  }
  return contrasts;
}

Json contrast_json(const PromptContrast& contrast) {
  std::vector<std::string> others;
  for (size_t k = 0; k < contrast.values.size(); ++k) {
    if (static_cast<int64_t>(k) != contrast.true_version) others.push_back(contrast.values[k]);
  }
  return {{"word", contrast.name},
          {"start", contrast.position},
          {"end", contrast.position + contrast.word.size()},
          {"alternatives", others}};
}

Json prompt_json(const LiveModel& model, const std::string& prompt) {
  const Tokenizer& tokenizer = model.tokenizer();
  Json json = {{"words", words_json(prompt, tokenizer.known_words())},
               {"contrasts", Json::array()},
               {"cut", false},
               {"error", ""}};
  try {
    json["cut"] = tokenizer.encode(prompt).truncated();
  } catch (const ValueError& error) {
    json["error"] = error.what();
    return json;
  }
  try {
    for (const PromptContrast& contrast : live_contrasts(model, prompt, {}, {})) {
      json["contrasts"].push_back(contrast_json(contrast));
    }
  } catch (const ValueError&) {  // nothing is known of any word
  }
  return json;
}

}  // namespace noisescope::live
