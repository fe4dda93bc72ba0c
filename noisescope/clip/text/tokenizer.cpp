#include "noisescope/clip/text/tokenizer.h"

#include <algorithm>
#include <set>

#include "noisescope/clip/text/byte_level.h"
#include "noisescope/clip/text/clean_text.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::clip {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 20;
constexpr size_t kMaxTextBytes = 16384;

/// From the first byte to the last one. Normalisation may have changed the order of marks.
TextSpan joined(const TextSpan& a, const TextSpan& b) { return {std::min(a.begin, b.begin), std::max(a.end, b.end)}; }

/// The code points of a word, and where they stand in the prompt.
TextSpan span_of(const CodePoints& text, const WordRange& word) {
  TextSpan span{text[word.begin].begin, text[word.begin].end};
  for (size_t i = word.begin; i < word.end; ++i) span = joined(span, {text[i].begin, text[i].end});
  return span;
}

std::string to_utf8(const CodePoints& text, const WordRange& word) {
  std::string out;
  for (size_t i = word.begin; i < word.end; ++i) append_utf8(out, text[i].value);
  return out;
}

int32_t utf8_length(char32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

/// Hands out the bytes of a word token by token. A character whose bytes are shared counts for each.
class SpanReader {
 public:
  SpanReader(const CodePoints& text, size_t first) : text_(text), i_(first), left_(utf8_length(text[first].value)) {}

  TextSpan take(int32_t bytes) {
    if (left_ == 0) left_ = utf8_length(text_[++i_].value);
    TextSpan span{text_[i_].begin, text_[i_].end};
    while (bytes > 0) {
      if (left_ == 0) left_ = utf8_length(text_[++i_].value);
      span = joined(span, {text_[i_].begin, text_[i_].end});
      const int32_t step = std::min(bytes, left_);
      bytes -= step;
      left_ -= step;
    }
    return span;
  }

 private:
  const CodePoints& text_;
  size_t i_;
  int32_t left_;  // bytes of character i_ that are not handed out
};

std::string text_of_bpe_token(const std::string& token) {
  const std::string_view end = kWordEnd;
  const bool ends_word = token.size() > end.size() && token.ends_with(end);
  const std::string body = ends_word ? token.substr(0, token.size() - end.size()) : token;
  return bytes_of_token(body) + (ends_word ? " " : "");
}

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw FormatError("[clip.Tokenizer] " + name + ": " + what);
}

void check_model(const TokenizerModel& model, const std::string& name) {
  const size_t n = model.tokens.size();
  if (model.context_length < 3 || model.context_length > kMaxContext) {
    refuse(name, format_text("expected a context of 3 to {} tokens, got {}", kMaxContext, model.context_length));
  }
  if (n < 4 || n > static_cast<size_t>(kMaxTokens)) {
    refuse(name, format_text("expected 4 to {} tokens, got {}", kMaxTokens, n));
  }
  const std::pair<std::string, std::string> last = {model.tokens[n - 2], model.tokens[n - 1]};
  if (last != special_names(ClipProfile::hf) && last != special_names(ClipProfile::open_clip)) {
    refuse(name, format_text("expected <|startoftext|> and <|endoftext|>, or <start_of_text> and <end_of_text>, "
                             "as the last two ids, got '{}' and '{}'",
                             last.first, last.second));
  }
  if (model.kind == TokenizerKind::words && model.profile != ClipProfile::hf) {
    refuse(name, "expected the profile hf for a word-level tokenizer, got " + to_string(model.profile));
  }
  if (model.pad_id && (*model.pad_id < 0 || *model.pad_id >= static_cast<int64_t>(n))) {
    refuse(name, format_text("expected a padding token below {}, got {}", n, *model.pad_id));
  }
  if (model.kind == TokenizerKind::words && !model.added.empty()) {
    refuse(name, "expected no added tokens for a word-level tokenizer");
  }
  if (n + model.added.size() > static_cast<size_t>(kMaxTokens)) {
    refuse(name,
           format_text("expected at most {} tokens, got {} and {} added ones", kMaxTokens, n, model.added.size()));
  }
}

}  // namespace

std::pair<std::string, std::string> special_names(ClipProfile profile) {
  if (profile == ClipProfile::open_clip) return {"<start_of_text>", "<end_of_text>"};
  return {"<|startoftext|>", "<|endoftext|>"};
}

void describe(Describer& d, TokenizerOptions& options) {
  d("kind", options.kind, "words: a token a word; bpe: CLIP's byte-level pair encoding");
  d("context_length", options.context_length, "tokens a prompt may have, start and end included",
    {.min = 3, .max = static_cast<double>(kMaxContext)});
  d("max_vocabulary", options.max_vocabulary, "tokens in all; the most frequent ones are kept",
    {.min = 4, .max = static_cast<double>(kMaxTokens)});
}

Tokenizer::Tokenizer(TokenizerModel model, const std::string& name) : model_(std::move(model)) {
  check_model(model_, name);
  check_tokens(name);
  if (model_.kind == TokenizerKind::bpe) pairs_ = std::make_shared<BytePairs>(id_of_, model_.merges);
}

/// Fills id_of_.
void Tokenizer::check_tokens(const std::string& name) {
  id_of_.reserve(model_.tokens.size());
  for (const std::string& token : model_.tokens) {
    const bool is_new = id_of_.emplace(token, static_cast<int64_t>(id_of_.size())).second;
    if (token.empty() || !is_new) {
      refuse(name, "expected distinct, non-empty tokens, got '" + token + "' again");
    }
  }
  std::set<std::string> added;
  for (const std::string& token : model_.added) {
    if (token.empty() || id_of_.contains(token) || !added.insert(token).second) {
      refuse(name, "expected distinct, non-empty added tokens that are not in the vocabulary, got '" + token + "'");
    }
  }
  const auto need = [&](const std::string& token, const char* reason) {
    if (id_of_.count(token) == 0) {
      refuse(name, format_text("expected the token '{}' in the vocabulary ({}), got none; "
                               "do vocabulary and merges belong together?",
                               token, reason));
    }
  };
  if (model_.kind == TokenizerKind::words) need(kUnknownToken, "for words that are not known");
  if (model_.kind == TokenizerKind::bpe) {
    for (const std::string& token : byte_tokens()) need(token, "a single byte");
  }
  for (const auto& [left, right] : model_.merges) {
    need(left, "part of a merge");
    need(right, "part of a merge");
    need(left + right, "result of a merge");
  }
}

int64_t Tokenizer::pad_id() const { return model_.pad_id.value_or(model_.profile == ClipProfile::hf ? end_id() : 0); }

std::vector<Tokenizer::Piece> Tokenizer::word_pieces(const CodePoints& text, std::vector<UnknownWord>& unknown) const {
  constexpr size_t kMostHints = 16;  // help is for typing errors, not for pages of foreign text
  std::vector<Piece> pieces;
  for (const WordRange& range : split_words(text)) {
    const std::string word = to_utf8(text, range);
    const TextSpan span = span_of(text, range);
    const auto found = id_of_.find(word);
    pieces.push_back({found != id_of_.end() ? found->second : id_of_.at(kUnknownToken), span});
    if (found != id_of_.end()) continue;
    const bool has_letters =
        std::any_of(text.begin() + static_cast<long>(range.begin), text.begin() + static_cast<long>(range.end),
                    [](const CodePoint& point) { return is_letter(point.value) || is_number(point.value); });
    const bool hints = unknown.size() < kMostHints && has_letters;
    unknown.push_back({word, span, hints ? nearest_name(word, known_words()) : ""});
  }
  return pieces;
}

std::vector<Tokenizer::Piece> Tokenizer::pair_pieces(const CodePoints& text) const {
  std::vector<Piece> pieces;
  std::vector<BytePairs::Part> parts;
  std::string word;
  for (const WordRange& range : split_clip(text, model_.profile)) {
    word.clear();
    for (size_t i = range.begin; i < range.end; ++i) append_utf8(word, text[i].value);
    parts.clear();
    pairs_->append(word, parts);
    SpanReader reader(text, range.begin);
    for (const BytePairs::Part& part : parts) pieces.push_back({part.id, reader.take(part.bytes)});
  }
  return pieces;
}

std::vector<Tokenizer::Piece> Tokenizer::pieces_of(std::string_view text, int64_t begin, int64_t end,
                                                   Encoding& encoding) const {
  const auto part = text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  const CodePoints clean = clean_text(part, model_.profile);
  std::vector<Piece> pieces =
      model_.kind == TokenizerKind::words ? word_pieces(clean, encoding.unknown) : pair_pieces(clean);
  for (Piece& piece : pieces) piece.span = {piece.span.begin + begin, piece.span.end + begin};
  return pieces;
}

/// Added tokens where they stand, the longest of those that begin at a byte; what lies between as usual.
std::vector<Tokenizer::Piece> Tokenizer::all_pieces(std::string_view text, Encoding& encoding) const {
  const auto size = static_cast<int64_t>(text.size());
  if (model_.added.empty()) return pieces_of(text, 0, size, encoding);
  std::vector<Piece> pieces;
  const auto append = [&](int64_t begin, int64_t end) {
    if (begin == end) return;
    const std::vector<Piece> more = pieces_of(text, begin, end, encoding);
    pieces.insert(pieces.end(), more.begin(), more.end());
  };
  int64_t plain = 0;
  for (int64_t at = 0; at < size;) {
    size_t best = model_.added.size(), length = 0;
    for (size_t i = 0; i < model_.added.size(); ++i) {
      const std::string& token = model_.added[i];
      if (token.size() > length && text.substr(static_cast<size_t>(at)).starts_with(token))
        best = i, length = token.size();
    }
    if (length == 0) {
      ++at;
      continue;
    }
    append(plain, at);
    plain = at + static_cast<int64_t>(length);
    pieces.push_back({end_id() + 1 + static_cast<int64_t>(best), {at, plain}});
    at = plain;
  }
  append(plain, size);
  return pieces;
}

Encoding Tokenizer::encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes) {
    throw ValueError(
        format_text("[clip.Tokenizer.encode] expected a text of at most {} bytes, got {}", kMaxTextBytes, text.size()));
  }
  Encoding encoding;
  std::vector<Piece> pieces = all_pieces(text, encoding);
  const auto room = static_cast<size_t>(context_length() - 2);
  if (pieces.size() > room) {
    encoding.dropped = static_cast<int64_t>(pieces.size() - room);
    pieces.resize(room);
  }
  encoding.ids.reserve(pieces.size() + 2);
  encoding.spans.reserve(pieces.size() + 2);
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

std::vector<int64_t> Tokenizer::padded_ids(const Encoding& encoding) const {
  std::vector<int64_t> ids = encoding.ids;
  ids.resize(static_cast<size_t>(context_length()), pad_id());
  return ids;
}

std::string Tokenizer::decode(const std::vector<int64_t>& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    if (id < 0 || id >= vocabulary_size()) {
      throw ValueError(format_text("[clip.Tokenizer.decode] expected ids in [0, {}), got {}", vocabulary_size(), id));
    }
    if (id > end_id()) text += model_.added[static_cast<size_t>(id - end_id() - 1)] + ' ';
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
    if (token != kUnknownToken) words.push_back(token);
  }
  std::sort(words.begin(), words.end());
  return words;
}

std::string describe_unknown(const Tokenizer& tokenizer, const std::vector<UnknownWord>& unknown) {
  if (unknown.empty()) return "";
  constexpr size_t kMostWords = 60;
  std::vector<std::string> parts, signs;
  for (const UnknownWord& entry : unknown) {
    const bool is_sign = std::none_of(entry.word.begin(), entry.word.end(), [](unsigned char c) {
      return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (is_sign) {
      signs.push_back(entry.word);
      continue;
    }
    parts.push_back(
        format_text("'{}'{}", entry.word, entry.nearest.empty() ? "" : " (did you mean '" + entry.nearest + "'?)"));
  }
  std::vector<std::string> known = tokenizer.known_words();
  const size_t count = known.size();
  if (count > kMostWords) known.resize(kMostWords);
  std::string text = parts.empty() ? "" : (parts.size() == 1 ? "unknown word " : "unknown words ") + join(parts);
  if (!signs.empty()) {
    text += (text.empty() ? "signs that no caption had: " : "; and signs that no caption had: ") + join(signs, " ") +
            "; leave them out";
  }
  return text + "; known words: " + join(known) +
         (count > kMostWords ? format_text(" and {} more", count - kMostWords) : "");
}

}  // namespace noisescope::clip
