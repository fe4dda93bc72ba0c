#include "noisescope/clip/text/html_entities.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>

namespace noisescope::clip {
namespace {

struct Entity {
  const char* name;
  const char32_t* text;
};

#include "noisescope/clip/text/html_entities.inc"

constexpr size_t kMaxName = 32;        // of html.unescape, without the semicolon
constexpr size_t kMaxClosedName = 24;  // of ftfy
constexpr char32_t kReplacement = 0xFFFD;

/// A reference at some '&': the code points it takes, 0 if it is none, and its text.
struct Reference {
  size_t length = 0;
  std::u32string text;
};

template <size_t n>
const char32_t* find_entity(const Entity (&table)[n], const std::string& name) {
  const auto* found =
      std::lower_bound(std::begin(table), std::end(table), name,
                       [](const Entity& entity, const std::string& value) { return value.compare(entity.name) > 0; });
  return found != std::end(table) && name == found->name ? found->text : nullptr;
}

int digit_value(char32_t code) {
  if (code >= '0' && code <= '9') return static_cast<int>(code - '0');
  const char32_t lower = code | 0x20;
  return lower >= 'a' && lower <= 'f' ? static_cast<int>(lower - 'a') + 10 : 99;
}

bool is_alphanumeric(char32_t code) {
  return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
}

/// The character of a number, by HTML 5 ("numeric character reference end state") as in Python.
std::u32string text_of_number(char32_t number) {
  if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF)) {
    return {kReplacement};
  }
  if (number >= 0x80 && number <= 0x9F) return {windows_1252(number)};
  const bool is_control = number < 0x20 && number != '\t' && number != '\n' && number != 0xC && number != '\r';
  const bool is_no_character = (number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE;
  if (is_control || number == 0x7F || is_no_character) return {};
  return {number};
}

/// &#65; or &#x41; at text[i] = '&'.
Reference number_at(const CodePoints& text, size_t i) {
  size_t k = i + 2;
  const bool hexadecimal = k < text.size() && (text[k].value | 0x20) == 'x';
  const int base = hexadecimal ? 16 : 10;
  if (hexadecimal) ++k;
  const size_t first = k;
  char32_t number = 0;
  for (; k < text.size() && digit_value(text[k].value) < base; ++k) {
    number = number * static_cast<char32_t>(base) + static_cast<char32_t>(digit_value(text[k].value));
    number = std::min<char32_t>(number, 0x110000);  // all beyond are alike
  }
  if (k == first) return {};
  if (k < text.size() && text[k].value == ';') ++k;
  return {k - i, text_of_number(number)};
}

/// &name; or the longest known beginning of &name at text[i] = '&'.
Reference name_at(const CodePoints& text, size_t i) {
  const auto belongs = [](char32_t c) {
    return c != '\t' && c != '\n' && c != '\f' && c != ' ' && c != '<' && c != '&' && c != '#' && c != ';';
  };
  std::string name;  // as far as it is ASCII, as all known names are
  size_t length = 0;
  bool ascii = true;
  const auto take = [&] {
    const char32_t code = text[i + 1 + length++].value;
    ascii = ascii && code < 0x80;
    if (ascii) name += static_cast<char>(code);
  };
  while (length < kMaxName && i + 1 + length < text.size() && belongs(text[i + 1 + length].value)) {
    take();
  }
  if (length > 0 && i + 1 + length < text.size() && text[i + 1 + length].value == ';') take();
  for (; name.size() >= 2; name.pop_back()) {
    if (const char32_t* found = find_entity(kEntities, name)) return {name.size() + 1, found};
  }
  return {};
}

Reference reference_at(const CodePoints& text, size_t i) {
  if (i + 1 >= text.size()) return {};
  return text[i + 1].value == '#' ? number_at(text, i) : name_at(text, i);
}

/// As ftfy: closed by a semicolon and resolved as a whole, without leaving one.
Reference closed_reference_at(const CodePoints& text, size_t i) {
  const bool is_number = i + 1 < text.size() && text[i + 1].value == '#';
  const size_t first = i + (is_number ? 2 : 1);
  size_t k = first;
  std::string name;
  while (k < text.size() && k - first < kMaxClosedName && is_alphanumeric(text[k].value)) {
    name += static_cast<char>(text[k++].value);
  }
  if (name.empty() || k >= text.size() || text[k].value != ';') return {};
  const size_t length = k + 1 - i;
  if (is_number) {
    Reference reference = number_at(text, i);
    const bool whole = reference.length == length && reference.text != U";";
    return whole ? reference : Reference{};
  }
  name += ';';
  const char32_t* found = find_entity(kEntities, name);
  if (found == nullptr) found = find_entity(kShouted, name);
  return found == nullptr ? Reference{} : Reference{length, found};
}

CodePoints unescape(const CodePoints& text, Reference (*find)(const CodePoints&, size_t)) {
  CodePoints out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Reference reference = text[i].value == '&' ? find(text, i) : Reference{};
    if (reference.length == 0) {
      out.push_back(text[i++]);
      continue;
    }
    const int64_t end = text[i + reference.length - 1].end;
    for (const char32_t code : reference.text) out.push_back({code, text[i].begin, end});
    i += reference.length;
  }
  return out;
}

}  // namespace

CodePoints unescape_html(const CodePoints& text) { return unescape(text, reference_at); }

CodePoints unescape_closed_html(const CodePoints& text) { return unescape(text, closed_reference_at); }

char32_t windows_1252(char32_t code) {
  constexpr char32_t kCharacters[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                        0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                        0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                        0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
  return code >= 0x80 && code <= 0x9F ? kCharacters[code - 0x80] : code;
}

}  // namespace noisescope::clip
