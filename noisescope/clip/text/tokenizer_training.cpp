// Learning a vocabulary from captions.
#include <algorithm>
#include <map>
#include <set>

#include "noisescope/clip/text/byte_level.h"
#include "noisescope/clip/text/clean_text.h"
#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::clip {
namespace {

using Symbols = std::vector<std::string>;

/// The bytes of a word, each as its visible stand-in; the last one carries </w>.
Symbols byte_symbols(const std::string& word) {
  Symbols symbols;
  for (const char byte : word) symbols.push_back(visible_byte(static_cast<uint8_t>(byte)));
  if (!symbols.empty()) symbols.back() += kWordEnd;
  return symbols;
}

/// How often each word occurs in the captions, cleaned.
std::map<std::string, int64_t> count_words(const std::vector<std::string>& captions, TokenizerKind kind) {
  std::map<std::string, int64_t> counts;
  for (const std::string& caption : captions) {
    const CodePoints text = clean_text(caption, ClipProfile::hf);
    for (const WordRange& range :
         kind == TokenizerKind::words ? split_words(text) : split_clip(text, ClipProfile::hf)) {
      std::string word;
      for (size_t i = range.begin; i < range.end; ++i) append_utf8(word, text[i].value);
      ++counts[word];
    }
  }
  if (counts.empty()) {
    throw DataError(
        format_text("[clip.Tokenizer.train] expected captions with at least one word, "
                    "got {} captions without any",
                    captions.size()));
  }
  return counts;
}

std::vector<std::string> word_vocabulary(const std::map<std::string, int64_t>& counts, int64_t room) {
  std::vector<std::pair<int64_t, std::string>> by_count;
  for (const auto& [word, count] : counts) by_count.emplace_back(-count, word);
  std::sort(by_count.begin(), by_count.end());
  by_count.resize(std::min(by_count.size(), static_cast<size_t>(std::max<int64_t>(room, 1))));
  std::vector<std::string> words;
  for (const auto& [count, word] : by_count) words.push_back(word);
  std::sort(words.begin(), words.end());
  return words;
}

/// The most frequent neighbours of all words, ties in order of spelling.
std::pair<std::pair<std::string, std::string>, int64_t> best_pair(
    const std::vector<std::pair<Symbols, int64_t>>& words) {
  std::map<std::pair<std::string, std::string>, int64_t> counts;
  for (const auto& [symbols, count] : words) {
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      counts[{symbols[i], symbols[i + 1]}] += count;
    }
  }
  std::pair<std::pair<std::string, std::string>, int64_t> best{{}, 0};
  for (const auto& entry : counts) {
    if (entry.second > best.second) best = {entry.first, entry.second};
  }
  return best;
}

/// Sennrich et al. 2016, algorithm 1. Pairs that occur once are not worth a token.
void learn_merges(const std::map<std::string, int64_t>& counts, size_t max_tokens, TokenizerModel& model) {
  std::vector<std::pair<Symbols, int64_t>> words;
  for (const auto& [word, count] : counts) words.emplace_back(byte_symbols(word), count);
  std::set<std::string> known(model.tokens.begin(), model.tokens.end());
  while (model.tokens.size() < max_tokens) {
    const auto [pair, count] = best_pair(words);
    if (count < 2) break;
    model.merges.push_back(pair);
    if (known.insert(pair.first + pair.second).second) {
      model.tokens.push_back(pair.first + pair.second);
    }
    for (auto& [symbols, unused] : words) {
      for (size_t i = 0; i + 1 < symbols.size(); ++i) {
        if (symbols[i] == pair.first && symbols[i + 1] == pair.second) {
          symbols[i] += symbols[i + 1];
          symbols.erase(symbols.begin() + static_cast<int64_t>(i) + 1);
        }
      }
    }
  }
}

}  // namespace

Tokenizer Tokenizer::train(const std::vector<std::string>& captions, const TokenizerOptions& options) {
  TokenizerModel model;
  model.kind = options.kind;
  model.context_length = options.context_length;
  const int64_t room = options.max_vocabulary;
  if (options.kind == TokenizerKind::words) {
    model.tokens = word_vocabulary(count_words(captions, options.kind), room - 3);
    model.tokens.insert(model.tokens.begin(), kUnknownToken);
  } else {
    model.tokens = byte_tokens();
    learn_merges(count_words(captions, options.kind), static_cast<size_t>(room - 2), model);
  }
  const auto [start, end] = special_names(model.profile);
  model.tokens.insert(model.tokens.end(), {start, end});
  return Tokenizer(std::move(model), "trained");
}

}  // namespace noisescope::clip
