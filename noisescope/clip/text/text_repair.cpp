#include "noisescope/clip/text/text_repair.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "noisescope/clip/text/html_entities.h"

namespace noisescope::clip {
namespace {

struct Ligature {
  char32_t code;
  std::u32string_view letters;
};

constexpr Ligature kLigatures[] = {{0x132, U"IJ"},       {0x133, U"ij"},      {0x149, U"\u02BCn"}, {0x1C4, U"D\u017D"},
                                   {0x1C5, U"D\u017E"},  {0x1C6, U"d\u017E"}, {0x1C7, U"LJ"},      {0x1C8, U"Lj"},
                                   {0x1C9, U"lj"},       {0x1CA, U"NJ"},      {0x1CB, U"Nj"},      {0x1CC, U"nj"},
                                   {0x1F1, U"DZ"},       {0x1F2, U"Dz"},      {0x1F3, U"dz"},      {0xFB00, U"ff"},
                                   {0xFB01, U"fi"},      {0xFB02, U"fl"},     {0xFB03, U"ffi"},    {0xFB04, U"ffl"},
                                   {0xFB05, U"\u017Ft"}, {0xFB06, U"st"}};

std::u32string_view ligature_letters(char32_t code) {
  const auto* found = std::find_if(std::begin(kLigatures), std::end(kLigatures),
                                   [code](const Ligature& ligature) { return ligature.code == code; });
  return found == std::end(kLigatures) ? std::u32string_view() : found->letters;
}

char32_t straight_quote(char32_t code) {
  if (code == 0x2BC || (code >= 0x2018 && code <= 0x201B)) return '\'';
  if (code >= 0x201C && code <= 0x201F) return '"';
  return code;
}

/// Not "\r", which has become a line break by then.
bool is_unwanted_control(char32_t code) {
  return code <= 0x8 || code == 0xB || (code >= 0xE && code <= 0x1F) || code == 0x7F ||
         (code >= 0x206A && code <= 0x206F) || code == 0xFEFF || (code >= 0xFFF9 && code <= 0xFFFC);
}

/// C1 controls, ligatures, widths and quotes, each character for itself; in ftfy's order, so that a
/// quote that comes from a ligature or a control is straightened, too.
void append_repaired(const CodePoint& point, CodePoints& out) {
  const auto emit = [&](char32_t code) { out.push_back({straight_quote(code), point.begin, point.end}); };
  const char32_t code = windows_1252(point.value);
  const std::u32string_view letters = code < 0x132 ? std::u32string_view() : ligature_letters(code);
  if (!letters.empty()) {
    for (const char32_t letter : letters) emit(letter);
    return;
  }
  if (code == 0x3000) return emit(' ');
  const auto [first, second] = code < 0xFF01 ? std::pair<char32_t, char32_t>() : standard_width(code);
  emit(first == 0 ? code : first);
  if (second != 0) emit(second);
}

/// CRLF, CR, U+2028, U+2029 and U+0085 to LF.
CodePoints repair_line_breaks(const CodePoints& text) {
  CodePoints out;
  out.reserve(text.size());
  for (const CodePoint& point : text) {
    const char32_t code = point.value;
    if (code == '\n' && !out.empty() && out.back().value == '\r') {
      out.back().end = point.end;
    } else {
      out.push_back(point);
    }
    if (code == 0x2028 || code == 0x2029 || code == 0x85) out.back().value = '\n';
  }
  for (CodePoint& point : out) {
    if (point.value == '\r') point.value = '\n';
  }
  return out;
}

/// Length of ESC [ digits and semicolons, a letter, at text[i]; 0 if there is none.
size_t escape_length(const CodePoints& text, size_t i) {
  if (text[i].value != 0x1B || i + 1 >= text.size() || text[i + 1].value != '[') return 0;
  size_t k = i + 2;
  while (k < text.size() && (text[k].value == ';' || is_digit(text[k].value))) ++k;
  const char32_t last = k < text.size() ? text[k].value | 0x20 : 0;
  return last >= 'a' && last <= 'z' && text[k].value < 0x80 ? k + 1 - i : 0;
}

CodePoints remove_controls(const CodePoints& text) {
  CodePoints out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = escape_length(text, i);
    if (length == 0 && !is_unwanted_control(text[i].value)) out.push_back(text[i]);
    i += std::max<size_t>(length, 1);
  }
  return out;
}

bool same_text(const CodePoints& a, const CodePoints& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const CodePoint& x, const CodePoint& y) { return x.value == y.value; });
}

CodePoints repair_line(CodePoints line, bool unescapes) {
  while (true) {
    const CodePoints before = line;
    if (unescapes) line = unescape_closed_html(line);
    CodePoints repaired;
    repaired.reserve(line.size());
    for (const CodePoint& point : line) append_repaired(point, repaired);
    line = to_nfc(remove_controls(repair_line_breaks(repaired)));
    if (same_text(line, before)) return line;
  }
}

/// Printable ASCII without references: nothing to repair.
bool is_sound(const CodePoints& text) {
  return std::all_of(text.begin(), text.end(), [](const CodePoint& point) {
    return point.value >= ' ' && point.value < 0x7F && point.value != '&';
  });
}

}  // namespace

CodePoints repair_text(const CodePoints& text) {
  if (is_sound(text)) return text;
  CodePoints out;
  bool unescapes = true;
  for (auto begin = text.begin(); begin != text.end();) {
    const auto is = [](char32_t code) { return [code](const CodePoint& point) { return point.value == code; }; };
    auto end = std::find_if(begin, text.end(), is('\n'));
    if (end != text.end()) ++end;
    unescapes = unescapes && std::none_of(begin, end, is('<'));
    const CodePoints line = repair_line({begin, end}, unescapes);
    out.insert(out.end(), line.begin(), line.end());
    begin = end;
  }
  return out;
}

}  // namespace noisescope::clip
