#include "noisescope/clip/text/clean_text.h"

#include "noisescope/clip/text/html_entities.h"
#include "noisescope/clip/text/text_repair.h"

namespace noisescope::clip {
namespace {

constexpr char32_t kLongS = 0x17F, kIotaSubscript = 0x345;

/// Without blanks at the ends; runs have been joined before.
CodePoints trimmed(CodePoints text) {
  if (!text.empty() && text.back().value == ' ') text.pop_back();
  if (!text.empty() && text.front().value == ' ') text.erase(text.begin());
  return text;
}

bool is_word_part(char32_t code) { return is_letter(code) || is_mark(code) || is_number(code); }

/// Length of 's 't 're 've 'm 'll 'd at text[i], or 0.
size_t contraction_length(const CodePoints& text, size_t i, bool any_case) {
  if (text[i].value != '\'') return 0;
  for (const std::string_view tail : {"s", "t", "re", "ve", "m", "ll", "d"}) {
    size_t k = 0;
    while (k < tail.size() && i + 1 + k < text.size() && text[i + 1 + k].value == static_cast<unsigned char>(tail[k])) {
      ++k;
    }
    if (k == tail.size()) return 1 + k;
  }
  return any_case && i + 1 < text.size() && text[i + 1].value == kLongS ? 2 : 0;
}

/// Length of <|startoftext|> or <|endoftext|> at text[i], or 0.
size_t special_length(const CodePoints& text, size_t i) {
  for (const std::string_view name : {"<|startoftext|>", "<|endoftext|>"}) {
    size_t k = 0;
    while (k < name.size() && i + k < text.size() && text[i + k].value == static_cast<unsigned char>(name[k])) {
      ++k;
    }
    if (k == name.size()) return k;
  }
  return 0;
}

}  // namespace

CodePoints clean_text(std::string_view text, ClipProfile profile) {
  if (profile == ClipProfile::hf) return normalize_text(text);
  const CodePoints repaired = repair_text(decode_utf8(text));
  return lower_in_context(trimmed(join_blanks(unescape_html(unescape_html(repaired)))));
}

std::vector<WordRange> split_words(const CodePoints& text) {
  std::vector<WordRange> words;
  bool joins = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool part = is_word_part(text[i].value);
    if (text[i].value == ' ') {
      joins = false;
      continue;
    }
    if (!(part && joins)) words.push_back({i, i});
    words.back().end = i + 1;
    joins = part;
  }
  return words;
}

std::vector<WordRange> split_clip(const CodePoints& text, ClipProfile profile) {
  const bool any_case = profile != ClipProfile::hf;
  const auto is_gap = [&](char32_t c) { return c == ' ' || (any_case && c == kIotaSubscript); };
  const auto is_other = [&](char32_t c) { return !is_gap(c) && !is_letter(c) && !is_number(c); };
  std::vector<WordRange> words;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    const char32_t first = text[i].value;
    if (is_gap(first)) {
      i = end;
      continue;
    }
    if (const size_t length = any_case ? 0 : special_length(text, i)) {
      words.insert(words.end(), {{i, i + 2}, {i + 2, i + length - 2}});
      i += length - 2;
      end = i + 2;
    } else if (const size_t contraction = contraction_length(text, i, any_case)) {
      end = i + contraction;
    } else if (is_letter(first)) {
      while (end < text.size() && is_letter(text[end].value)) ++end;
    } else if (!is_number(first)) {
      while (end < text.size() && is_other(text[end].value)) ++end;
    }
    words.push_back({i, end});
    i = end;
  }
  return words;
}

}  // namespace noisescope::clip
