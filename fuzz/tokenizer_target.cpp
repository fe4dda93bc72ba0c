// A line of tokenizer.json, a line of tokenizer_config.json, and a text. What loads must encode.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/clip/text/byte_level.h"
#include "noisescope/clip/text/tokenizer.h"

namespace noisescope {
namespace {

using Json = nlohmann::json;

/// The bytes up to the next line end, taken off `rest`.
std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

/// `bytes` without what is no UTF-8, so that damage gets past that check.
std::string readable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const auto lead = static_cast<unsigned char>(bytes.front());
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view next = bytes.substr(0, length);
    try {
      decode_utf8(next);
      text += next;
      bytes.remove_prefix(next.size());
    } catch (const ValueError&) {
      bytes.remove_prefix(1);
    }
  }
  return text;
}

std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

std::u32string codes_of(const std::vector<CodePoint>& points) {
  std::u32string codes;
  for (const CodePoint& point : points) codes += point.value;
  return codes;
}

/// Each span holds whole characters of the text.
void check_spans(const std::string& text, const std::vector<TextSpan>& spans) {
  const auto is_boundary = [&](int64_t at) {
    const auto i = static_cast<size_t>(at);
    return i == text.size() || (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
  };
  for (const TextSpan& span : spans) {
    if (span.begin < 0 || span.begin >= span.end) std::abort();
    if (span.end > static_cast<int64_t>(text.size())) std::abort();
    if (!is_boundary(span.begin) || !is_boundary(span.end)) std::abort();
  }
}

/// The spans go forward. Two byte-level tokens may share a character, two words may not.
void check_order(TokenizerKind kind, const std::vector<TextSpan>& spans) {
  for (size_t i = 1; i < spans.size(); ++i) {
    if (spans[i].begin < spans[i - 1].begin || spans[i].end < spans[i - 1].end) std::abort();
    if (kind == TokenizerKind::words && spans[i].begin < spans[i - 1].end) std::abort();
  }
}

/// What no span covers is white space.
void check_coverage(const std::vector<CodePoint>& points, const std::string& text, const std::vector<TextSpan>& spans) {
  std::vector<bool> covered(text.size(), false);
  for (const TextSpan& span : spans) {
    std::fill(covered.begin() + span.begin, covered.begin() + span.end, true);
  }
  for (const CodePoint& point : points) {
    const bool in_token = covered[static_cast<size_t>(point.begin)];
    if (in_token == is_white_space(point.value)) std::abort();
  }
}

/// Only words that are not known count as unknown, and only known ones are suggested.
void check_unknown(const Tokenizer& tokenizer, const std::string& text, const std::vector<UnknownWord>& unknown) {
  const std::vector<std::string> known = tokenizer.known_words();
  const auto is_known = [&](const std::string& word) { return std::binary_search(known.begin(), known.end(), word); };
  for (const UnknownWord& entry : unknown) {
    check_spans(text, {entry.span});
    if (is_known(entry.word)) std::abort();
    if (!entry.nearest.empty() && !is_known(entry.nearest)) std::abort();
  }
  if (describe_unknown(tokenizer, unknown).empty() != unknown.empty()) std::abort();
}

/// <|startoftext|>, tokens of which none is special, <|endoftext|>; no more than the context.
void check_ids(const Tokenizer& tokenizer, const Encoding& encoding) {
  const auto count = static_cast<int64_t>(encoding.ids.size());
  if (count < 2 || count > tokenizer.context_length()) std::abort();
  if (encoding.dropped < 0) std::abort();
  if (encoding.truncated() && count != tokenizer.context_length()) std::abort();
  if (encoding.ids.front() != tokenizer.start_id()) std::abort();
  if (encoding.ids.back() != tokenizer.end_id()) std::abort();
  for (auto id = encoding.ids.begin() + 1; id != encoding.ids.end() - 1; ++id) {
    if (*id < 0 || *id >= tokenizer.start_id()) std::abort();
  }
}

/// `text` is UTF-8, so that it must become tokens.
void check_encoding(const Tokenizer& tokenizer, const std::string& text) {
  const Encoding encoding = tokenizer.encode(text);
  check_ids(tokenizer, encoding);
  if (encoding.spans.size() != encoding.ids.size()) std::abort();
  if (encoding.spans.front() != TextSpan{} || encoding.spans.back() != TextSpan{}) std::abort();
  const std::vector<TextSpan> spans(encoding.spans.begin() + 1, encoding.spans.end() - 1);
  check_spans(text, spans);
  check_unknown(tokenizer, text, encoding.unknown);
  const std::vector<CodePoint> points = decode_utf8(text);
  const std::u32string composed = codes_of(to_nfc(points));
  // Normalisation may change the order of marks, and with it that of their spans.
  if (composed == codes_of(points)) check_order(tokenizer.model().kind, spans);
  if (encoding.truncated()) return;
  check_coverage(points, text, spans);
  if (!encoding.unknown.empty()) return;
  std::string normal;
  for (const CodePoint& point : normalize_text(text)) append_utf8(normal, point.value);
  if (without_blanks(tokenizer.decode(encoding.ids)) != without_blanks(normal)) std::abort();
}

void check_tokenizer(const Tokenizer& tokenizer, std::string_view text) {
  constexpr size_t kMostBytes = 4096;
  if (tokenizer.context_length() < 3 || tokenizer.context_length() > 4096) std::abort();
  if (tokenizer.end_id() < 3) std::abort();
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < tokenizer.vocabulary_size(); ++id) ids.push_back(id);
  const std::string whole_vocabulary = tokenizer.decode(ids);  // as a text it takes every merge
  for (const std::string_view source : {text, std::string_view(whole_vocabulary)}) {
    const std::string_view bytes = source.substr(0, kMostBytes);
    const std::string good = readable(bytes);
    check_encoding(tokenizer, good);
    try {
      tokenizer.encode(bytes);
      if (bytes != good) std::abort();
    } catch (const ValueError&) {
      if (bytes == good) std::abort();
    }
  }
}

Json part_of(const Json& json, const char* pointer) {
  const Json::json_pointer place(pointer);
  return json.contains(place) ? json[place] : Json();
}

std::vector<std::pair<std::string, std::string>> usable_merges(const Json& merges) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!merges.is_array()) return pairs;
  for (const Json& merge : merges) {
    if (!merge.is_array() || merge.size() != 2) continue;
    if (!merge[0].is_string() || !merge[1].is_string()) continue;
    if (merge[0] != "" && merge[1] != "") pairs.emplace_back(merge[0], merge[1]);
  }
  return pairs;
}

/// The tokens and merges of a tokenizer.json with everything else that a tokenizer demands, so that
/// damage gets past those checks.
TokenizerModel repaired_model(std::string_view tokenizer_json) {
  const Json json = Json::parse(tokenizer_json, nullptr, /*allow_exceptions=*/false);
  const bool is_bpe = part_of(json, "/model/type") == "BPE";
  TokenizerModel model{
      .kind = is_bpe ? TokenizerKind::bpe : TokenizerKind::words, .context_length = 1024, .tokens = {}, .merges = {}};
  std::set<std::string> tokens = {"<|unk|>", "a"};
  const Json vocabulary = part_of(json, "/model/vocab");
  if (vocabulary.is_object()) {
    for (const auto& [token, id] : vocabulary.items()) tokens.insert(token);
  }
  if (is_bpe) {
    model.merges = usable_merges(part_of(json, "/model/merges"));
    for (int byte = 0; byte < 256; ++byte) {
      const std::string visible = visible_byte(static_cast<uint8_t>(byte));
      tokens.insert({visible, visible + "</w>"});
    }
  }
  for (const auto& [left, right] : model.merges) tokens.insert({left, right, left + right});
  for (const char* token : {"", "<|startoftext|>", "<|endoftext|>"}) tokens.erase(token);
  model.tokens.assign(tokens.begin(), tokens.end());
  model.tokens.insert(model.tokens.end(), {"<|startoftext|>", "<|endoftext|>"});
  return model;
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view tokenizer_json = take_line(text);
  const std::string_view config_json = take_line(text);
  try {
    check_tokenizer(parse_tokenizer(tokenizer_json, config_json, "fuzz"), text);
  } catch (const FormatError&) {
  }
  check_tokenizer(Tokenizer(repaired_model(tokenizer_json), "fuzz"), text);
  return 0;
}
