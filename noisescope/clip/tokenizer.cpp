#include "noisescope/clip/tokenizer.h"

#include <algorithm>
#include <map>
#include <set>

#include "noisescope/clip/byte_level.h"
#include "noisescope/core/error.h"

namespace noisescope {
namespace {

constexpr const char* kUnknown = "<|unk|>";
constexpr const char* kStart = "<|startoftext|>";
constexpr const char* kEnd = "<|endoftext|>";
constexpr const char* kWordEnd = "</w>";
constexpr int64_t kMaxTokens = int64_t{1} << 20;
constexpr int64_t kMaxContext = 4096;
constexpr size_t kMaxTextBytes = 16384;

using Text = std::vector<CodePoint>;

bool is_word_part(char32_t code) { return is_letter(code) || is_mark(code) || is_number(code); }

/// [\p{L}\p{M}\p{N}]+ | one other character that is no white space.
std::vector<Text> split_words(const Text& text) {
  std::vector<Text> words;
  bool joins = false;
  for (const CodePoint& point : text) {
    const bool part = is_word_part(point.value);
    if (point.value == ' ') {
      joins = false;
      continue;
    }
    if (!(part && joins)) words.emplace_back();
    words.back().push_back(point);
    joins = part;
  }
  return words;
}

/// Length of 's 't 're 've 'm 'll 'd at text[i], or 0.
size_t contraction_length(const Text& text, size_t i) {
  if (text[i].value != '\'') return 0;
  for (const std::string_view tail : {"s", "t", "re", "ve", "m", "ll", "d"}) {
    size_t k = 0;
    while (k < tail.size() && i + 1 + k < text.size() &&
           text[i + 1 + k].value == static_cast<unsigned char>(tail[k])) {
      ++k;
    }
    if (k == tail.size()) return 1 + k;
  }
  return 0;
}

/// CLIP's pattern: contraction | \p{L}+ | \p{N} | [^\s\p{L}\p{N}]+
std::vector<Text> split_clip(const Text& text) {
  const auto is_other = [](char32_t c) { return c != ' ' && !is_letter(c) && !is_number(c); };
  std::vector<Text> words;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    const char32_t first = text[i].value;
    if (first == ' ') {
      i = end;
      continue;
    }
    if (const size_t length = contraction_length(text, i)) {
      end = i + length;
    } else if (is_letter(first)) {
      while (end < text.size() && is_letter(text[end].value)) ++end;
    } else if (!is_number(first)) {
      while (end < text.size() && is_other(text[end].value)) ++end;
    }
    words.emplace_back(text.begin() + static_cast<int64_t>(i),
                       text.begin() + static_cast<int64_t>(end));
    i = end;
  }
  return words;
}

std::string to_utf8(const Text& word) {
  std::string out;
  for (const CodePoint& point : word) append_utf8(out, point.value);
  return out;
}

/// From the first byte to the last one. Normalisation may have changed the order of marks.
TextSpan joined(const TextSpan& a, const TextSpan& b) {
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

TextSpan span_of(const Text& word) {
  TextSpan span{word.front().begin, word.front().end};
  for (const CodePoint& point : word) span = joined(span, {point.begin, point.end});
  return span;
}

/// A token under construction.
struct Symbol {
  std::string text;
  TextSpan span;
};

/// The bytes of a word, each as its visible stand-in; the last one carries </w>.
std::vector<Symbol> byte_symbols(const Text& word) {
  std::vector<Symbol> symbols;
  for (const CodePoint& point : word) {
    std::string bytes;
    append_utf8(bytes, point.value);
    for (const char byte : bytes) {
      symbols.push_back({visible_byte(static_cast<uint8_t>(byte)), {point.begin, point.end}});
    }
  }
  if (!symbols.empty()) symbols.back().text += kWordEnd;
  return symbols;
}

void merge_at(std::vector<Symbol>& symbols, size_t i) {
  symbols[i].text += symbols[i + 1].text;
  symbols[i].span = joined(symbols[i].span, symbols[i + 1].span);
  symbols.erase(symbols.begin() + static_cast<int64_t>(i) + 1);
}

std::string pair_key(const std::string& left, const std::string& right) {
  return left + ' ' + right;  // a blank is no visible byte
}

std::map<std::string, int64_t> count_words(const std::vector<std::string>& captions,
                                           std::vector<Text> (*split)(const Text&)) {
  std::map<std::string, int64_t> counts;
  for (const std::string& caption : captions) {
    for (const Text& word : split(normalize_text(caption))) ++counts[to_utf8(word)];
  }
  if (counts.empty()) {
    throw DataError("[clip.Tokenizer.train] expected captions with at least one word, got " +
                    std::to_string(captions.size()) + " captions without any");
  }
  return counts;
}

std::vector<std::string> word_vocabulary(const std::map<std::string, int64_t>& counts,
                                         int64_t room) {
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
    const std::vector<std::pair<std::vector<Symbol>, int64_t>>& words) {
  std::map<std::pair<std::string, std::string>, int64_t> counts;
  for (const auto& [symbols, count] : words) {
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      counts[{symbols[i].text, symbols[i + 1].text}] += count;
    }
  }
  std::pair<std::pair<std::string, std::string>, int64_t> best{{}, 0};
  for (const auto& entry : counts) {
    if (entry.second > best.second) best = {entry.first, entry.second};
  }
  return best;
}

/// Sennrich et al. 2016, algorithm 1. Pairs that occur once are not worth a token.
void learn_merges(const std::map<std::string, int64_t>& counts, size_t max_tokens,
                  TokenizerModel& model) {
  std::vector<std::pair<std::vector<Symbol>, int64_t>> words;
  for (const auto& [word, count] : counts) words.emplace_back(byte_symbols(decode_utf8(word)), count);
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
        if (symbols[i].text == pair.first && symbols[i + 1].text == pair.second) {
          merge_at(symbols, i);
        }
      }
    }
  }
}

std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(visible_byte(static_cast<uint8_t>(byte)));
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(tokens[static_cast<size_t>(byte)] + kWordEnd);
  return tokens;
}

std::string text_of_bpe_token(const std::string& token) {
  const std::string_view end = kWordEnd;
  const bool ends_word = token.size() > end.size() && token.ends_with(end);
  const std::string body = ends_word ? token.substr(0, token.size() - end.size()) : token;
  return bytes_of_token(body) + (ends_word ? " " : "");
}

void check_model(const TokenizerModel& model, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    throw FormatError("[clip.Tokenizer] " + name + ": " + what);
  };
  const size_t n = model.tokens.size();
  if (model.context_length < 3 || model.context_length > kMaxContext) {
    refuse("expected a context of 3 to " + std::to_string(kMaxContext) + " tokens, got " +
           std::to_string(model.context_length));
  }
  if (n < 4 || n > static_cast<size_t>(kMaxTokens)) {
    refuse("expected 4 to " + std::to_string(kMaxTokens) + " tokens, got " + std::to_string(n));
  }
  if (model.tokens[n - 2] != kStart || model.tokens[n - 1] != kEnd) {
    refuse(std::string("expected ") + kStart + " and " + kEnd + " as the last two ids, got '" +
           model.tokens[n - 2] + "' and '" + model.tokens[n - 1] + "'");
  }
}

}  // namespace

void describe(Describer& d, TokenizerOptions& options) {
  d("kind", options.kind, "words: a token a word; bpe: CLIP's byte-level pair encoding");
  d("context_length", options.context_length, "tokens a prompt may have, start and end included",
    {.min = 3, .max = static_cast<double>(kMaxContext)});
  d("max_vocabulary", options.max_vocabulary, "tokens in all; the most frequent ones are kept",
    {.min = 4, .max = static_cast<double>(kMaxTokens)});
}

Tokenizer Tokenizer::train(const std::vector<std::string>& captions,
                           const TokenizerOptions& options) {
  TokenizerModel model;
  model.kind = options.kind;
  model.context_length = options.context_length;
  const int64_t room = options.max_vocabulary;
  if (options.kind == TokenizerKind::words) {
    model.tokens = word_vocabulary(count_words(captions, split_words), room - 3);
    model.tokens.insert(model.tokens.begin(), kUnknown);
  } else {
    model.tokens = byte_tokens();
    learn_merges(count_words(captions, split_clip), static_cast<size_t>(room - 2), model);
  }
  model.tokens.insert(model.tokens.end(), {kStart, kEnd});
  return Tokenizer(std::move(model), "trained");
}

Tokenizer::Tokenizer(TokenizerModel model, const std::string& name) : model_(std::move(model)) {
  check_model(model_, name);
  for (const std::string& token : model_.tokens) {
    const bool is_new = id_of_.emplace(token, static_cast<int64_t>(id_of_.size())).second;
    if (token.empty() || !is_new) {
      throw FormatError("[clip.Tokenizer] " + name +
                        ": expected distinct, non-empty tokens, got '" + token + "' again");
    }
  }
  const auto need = [&](const std::string& token) {
    if (id_of_.count(token) == 0) {
      throw FormatError("[clip.Tokenizer] " + name + ": expected the token '" + token +
                        "' in the vocabulary, got none");
    }
  };
  if (model_.kind == TokenizerKind::words) need(kUnknown);
  if (model_.kind == TokenizerKind::bpe) {
    for (const std::string& token : byte_tokens()) need(token);
  }
  for (const auto& [left, right] : model_.merges) {
    need(left);
    need(right);
    need(left + right);
    rank_of_.emplace(pair_key(left, right), static_cast<int64_t>(rank_of_.size()));
  }
}

void Tokenizer::append_word(const Text& word, std::vector<Piece>& pieces,
                            std::vector<UnknownWord>& unknown) const {
  const std::string text = to_utf8(word);
  const TextSpan span = span_of(word);
  const auto found = id_of_.find(text);
  if (found != id_of_.end()) {
    pieces.push_back({found->second, span});
    return;
  }
  pieces.push_back({id_of_.at(kUnknown), span});
  // Help with the spelling is for typing errors, not for pages of foreign text.
  constexpr size_t kMostHints = 16;
  unknown.push_back({text, span, unknown.size() < kMostHints ? nearest_name(text, known_words()) : ""});
}

void Tokenizer::append_bpe(const Text& word, std::vector<Piece>& pieces) const {
  std::vector<Symbol> symbols = byte_symbols(word);
  const auto no_merge = static_cast<int64_t>(model_.merges.size());
  const auto rank_at = [&](size_t i) {
    const auto found = rank_of_.find(pair_key(symbols[i].text, symbols[i + 1].text));
    return found == rank_of_.end() ? no_merge : found->second;
  };
  std::vector<int64_t> ranks;  // of symbols i and i + 1
  for (size_t i = 0; i + 1 < symbols.size(); ++i) ranks.push_back(rank_at(i));
  while (!ranks.empty()) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == no_merge) break;
    const auto i = static_cast<size_t>(best - ranks.begin());
    merge_at(symbols, i);
    ranks.erase(best);
    if (i < ranks.size()) ranks[i] = rank_at(i);
    if (i > 0) ranks[i - 1] = rank_at(i - 1);
  }
  for (const Symbol& symbol : symbols) pieces.push_back({id_of_.at(symbol.text), symbol.span});
}

Encoding Tokenizer::encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes) {
    throw ValueError("[clip.Tokenizer.encode] expected a text of at most " +
                     std::to_string(kMaxTextBytes) + " bytes, got " + std::to_string(text.size()));
  }
  std::vector<Piece> pieces;
  Encoding encoding;
  const Text normal = normalize_text(text);
  if (model_.kind == TokenizerKind::words) {
    for (const Text& word : split_words(normal)) append_word(word, pieces, encoding.unknown);
  } else {
    for (const Text& word : split_clip(normal)) append_bpe(word, pieces);
  }
  const auto room = static_cast<size_t>(context_length() - 2);
  if (pieces.size() > room) {
    encoding.dropped = static_cast<int64_t>(pieces.size() - room);
    pieces.resize(room);
  }
  encoding.ids.push_back(start_id());
  encoding.spans.emplace_back();
  for (const Piece& piece : pieces) {
    encoding.ids.push_back(piece.id);
    encoding.spans.push_back(piece.span);
  }
  encoding.ids.push_back(end_id());
  encoding.spans.emplace_back();
  return encoding;
}

std::string Tokenizer::decode(const std::vector<int64_t>& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    if (id < 0 || id >= vocabulary_size()) {
      throw ValueError("[clip.Tokenizer.decode] expected ids in [0, " +
                       std::to_string(vocabulary_size()) + "), got " + std::to_string(id));
    }
    if (id >= start_id()) continue;
    const std::string& token = model_.tokens[static_cast<size_t>(id)];
    text += model_.kind == TokenizerKind::words ? token + ' ' : text_of_bpe_token(token);
  }
  if (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::vector<std::string> Tokenizer::known_words() const {
  if (model_.kind != TokenizerKind::words) return {};
  std::vector<std::string> words;
  for (int64_t id = 0; id < start_id(); ++id) {
    const std::string& token = model_.tokens[static_cast<size_t>(id)];
    if (token != kUnknown) words.push_back(token);
  }
  std::sort(words.begin(), words.end());
  return words;
}

std::string describe_unknown(const Tokenizer& tokenizer, const std::vector<UnknownWord>& unknown) {
  if (unknown.empty()) return "";
  constexpr size_t kMostWords = 60;
  std::vector<std::string> parts;
  for (const UnknownWord& entry : unknown) {
    parts.push_back("'" + entry.word + "'" +
                    (entry.nearest.empty() ? "" : " (did you mean '" + entry.nearest + "'?)"));
  }
  std::vector<std::string> known = tokenizer.known_words();
  const size_t count = known.size();
  if (count > kMostWords) known.resize(kMostWords);
  return std::string(unknown.size() == 1 ? "unknown word " : "unknown words ") + join(parts) +
         "; known words: " + join(known) +
         (count > kMostWords ? " and " + std::to_string(count - kMostWords) + " more" : "");
}

}  // namespace noisescope
