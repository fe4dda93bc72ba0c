#include "noisescope/clip/text/unicode.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::clip {
namespace {

struct CodeRange {
  char32_t first, last;
};
struct LowerRun {
  char32_t first, last, stride;
  int32_t difference;
};
struct CombiningRun {
  char32_t first, last;
  uint8_t ccc;
};
struct Decomposition {
  char32_t code, first, second;
  bool composes;
};
struct WidthForm {
  char32_t code, first, second;
};

#include "noisescope/clip/text/unicode_tables.inc"

/// The run that contains `code` in a table sorted by code points, or nullptr.
template <class Run, size_t n>
const Run* find_run(const Run (&table)[n], char32_t code) {
  const Run* next = std::upper_bound(std::begin(table), std::end(table), code,
                                     [](char32_t value, const Run& run) { return value < run.first; });
  if (next == std::begin(table)) return nullptr;
  const Run* run = next - 1;
  return code <= run->last ? run : nullptr;
}

/// Are there rules for this character in the tables?
bool is_known(char32_t code, NfcTables tables) {
  return tables == NfcTables::unicode_14 || find_run(kAfterUnicode9, code) == nullptr;
}

int combining_class(char32_t code, NfcTables tables) {
  if (code < 0x300 || !is_known(code, tables)) return 0;
  const CombiningRun* run = find_run(kCombining, code);
  return run ? run->ccc : 0;
}

char32_t to_lower(char32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
  const LowerRun* run = find_run(kLower, code);
  if (run == nullptr || (code - run->first) % run->stride != 0) return code;
  return static_cast<char32_t>(static_cast<int32_t>(code) + run->difference);
}

// Hangul syllables are composed by arithmetic (The Unicode Standard, 3.12).
constexpr char32_t kHangulBase = 0xAC00, kLeadBase = 0x1100, kVowelBase = 0x1161, kTailBase = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28;

const Decomposition* find_decomposition(char32_t code) {
  const auto* found = std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), code,
                                       [](const Decomposition& entry, char32_t value) { return entry.code < value; });
  return found != std::end(kDecompositions) && found->code == code ? found : nullptr;
}

void decompose(const CodePoint& point, NfcTables tables, CodePoints& out) {
  const auto emit = [&](char32_t code) { out.push_back({code, point.begin, point.end}); };
  if (point.value >= kHangulBase && point.value < kHangulBase + kLeads * kVowels * kTails) {
    const char32_t index = point.value - kHangulBase;
    emit(kLeadBase + index / (kVowels * kTails));
    emit(kVowelBase + index / kTails % kVowels);
    if (index % kTails != 0) emit(kTailBase + index % kTails);
    return;
  }
  const Decomposition* entry = find_decomposition(point.value);
  if (entry == nullptr || !is_known(point.value, tables)) return emit(point.value);
  decompose({entry->first, point.begin, point.end}, tables, out);
  if (entry->second != 0) decompose({entry->second, point.begin, point.end}, tables, out);
}

/// Runs of combining marks in order of their class; equal classes keep their order.
void reorder_marks(CodePoints& text, NfcTables tables) {
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && combining_class(text[end].value, tables) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<int64_t>(i), text.begin() + static_cast<int64_t>(end),
                     [tables](const CodePoint& a, const CodePoint& b) {
                       return combining_class(a.value, tables) < combining_class(b.value, tables);
                     });
    i = end + 1;
  }
}

uint64_t pair_key(char32_t first, char32_t second) { return uint64_t{first} << 32 | second; }

std::unordered_map<uint64_t, char32_t> composition_table() {
  std::unordered_map<uint64_t, char32_t> table;
  for (const Decomposition& entry : kDecompositions) {
    if (entry.composes && entry.second != 0) table[pair_key(entry.first, entry.second)] = entry.code;
  }
  return table;
}

/// The primary composite of two characters, or 0.
char32_t compose_pair(char32_t first, char32_t second) {
  if (first >= kLeadBase && first < kLeadBase + kLeads && second >= kVowelBase && second < kVowelBase + kVowels) {
    return kHangulBase + ((first - kLeadBase) * kVowels + (second - kVowelBase)) * kTails;
  }
  if (first >= kHangulBase && first < kHangulBase + kLeads * kVowels * kTails && (first - kHangulBase) % kTails == 0 &&
      second > kTailBase && second < kTailBase + kTails) {
    return first + (second - kTailBase);
  }
  static const std::unordered_map<uint64_t, char32_t> table = composition_table();
  const auto found = table.find(pair_key(first, second));
  return found == table.end() ? 0 : found->second;
}

CodePoints compose(const CodePoints& text, NfcTables tables) {
  CodePoints out;
  int64_t starter = -1;  // index in `out` of the last character of class 0
  int last_class = -1;   // class of the last character kept after it; -1: none
  for (const CodePoint& point : text) {
    const int ccc = combining_class(point.value, tables);
    if (starter >= 0 && last_class < ccc) {
      CodePoint& base = out[static_cast<size_t>(starter)];
      const char32_t whole = compose_pair(base.value, point.value);
      if (whole != 0 && is_known(whole, tables)) {
        base.value = whole;
        base.begin = std::min(base.begin, point.begin);
        base.end = std::max(base.end, point.end);
        continue;
      }
    }
    if (ccc == 0) starter = static_cast<int64_t>(out.size());
    last_class = ccc == 0 ? -1 : ccc;
    out.push_back(point);
  }
  return out;
}

/// Appends the lower case of one character, without regard to its neighbours.
void append_lower(const CodePoint& point, CodePoints& out) {
  if (point.value == 0x130) {  // the one character whose lower case is two: i + dot above
    out.push_back({'i', point.begin, point.end});
    out.push_back({0x307, point.begin, point.end});
  } else {
    out.push_back({to_lower(point.value), point.begin, point.end});
  }
}

/// Does a cased letter come next, case-ignorable characters aside? `step` is 1 or -1.
bool meets_cased(const CodePoints& text, size_t i, int step) {
  for (auto k = static_cast<int64_t>(i) + step; k >= 0 && k < static_cast<int64_t>(text.size()); k += step) {
    const char32_t code = text[static_cast<size_t>(k)].value;
    if (find_run(kCaseIgnorable, code) == nullptr) return find_run(kCased, code) != nullptr;
  }
  return false;
}

/// Length of the UTF-8 sequence that starts at text[i], or 0 if it is not a valid one.
size_t sequence_length(std::string_view text, size_t i, char32_t& code) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  if (lead < 0x80) return code = lead, 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || i + length > text.size()) return 0;
  code = lead & (0xFF >> (length + 1));
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i + k) & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < kSmallest[length] || code > 0x10FFFF || surrogate ? 0 : length;
}

}  // namespace

bool is_letter(char32_t code) {
  if (code < 0x80) return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
  return find_run(kLetters, code) != nullptr;
}

bool is_mark(char32_t code) { return code >= 0x300 && find_run(kMarks, code) != nullptr; }

bool is_number(char32_t code) {
  if (code < 0x80) return code >= '0' && code <= '9';
  return find_run(kNumbers, code) != nullptr;
}

bool is_digit(char32_t code) {
  if (code < 0x80) return code >= '0' && code <= '9';
  return find_run(kDigits, code) != nullptr;
}

bool is_white_space(char32_t code) {
  if (code < 0x80) return code == ' ' || (code >= 0x9 && code <= 0xD);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
         code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

CodePoints decode_utf8(std::string_view text) {
  CodePoints out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    char32_t code = 0;
    const size_t length = sequence_length(text, i, code);
    if (length == 0) {
      throw ValueError(
          format_text("[clip.decode_utf8] expected UTF-8 text, got an invalid sequence at byte {}; "
                      "save the text as UTF-8",
                      i));
    }
    out.push_back({code, static_cast<int64_t>(i), static_cast<int64_t>(i + length)});
    i += length;
  }
  return out;
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

CodePoints to_nfc(const CodePoints& text, NfcTables tables) {
  // Below U+0300 there is nothing to compose, decompose or reorder.
  const bool plain = std::all_of(text.begin(), text.end(), [](const CodePoint& point) { return point.value < 0x300; });
  if (plain) return text;
  CodePoints parts;
  for (const CodePoint& point : text) decompose(point, tables, parts);
  reorder_marks(parts, tables);
  return compose(parts, tables);
}

CodePoints join_blanks(const CodePoints& text) {
  CodePoints out;
  out.reserve(text.size());
  for (const CodePoint& point : text) {
    if (!is_white_space(point.value)) {
      out.push_back(point);
    } else if (!out.empty() && out.back().value == ' ') {
      out.back().end = point.end;
    } else {
      out.push_back({' ', point.begin, point.end});
    }
  }
  return out;
}

CodePoints lower_in_context(const CodePoints& text) {
  constexpr char32_t kSigma = 0x3A3, kFinalSigma = 0x3C2;
  CodePoints out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i].value == kSigma && meets_cased(text, i, -1) && !meets_cased(text, i, 1)) {
      out.push_back({kFinalSigma, text[i].begin, text[i].end});
    } else {
      append_lower(text[i], out);
    }
  }
  return out;
}

CodePoints normalize_text(std::string_view text) {
  const CodePoints blank_joined = join_blanks(to_nfc(decode_utf8(text), NfcTables::unicode_9));
  CodePoints out;
  out.reserve(blank_joined.size());
  for (const CodePoint& point : blank_joined) append_lower(point, out);
  return out;
}

std::pair<char32_t, char32_t> standard_width(char32_t code) {
  const auto* found = std::lower_bound(std::begin(kWidthForms), std::end(kWidthForms), code,
                                       [](const WidthForm& form, char32_t value) { return form.code < value; });
  if (found == std::end(kWidthForms) || found->code != code) return {0, 0};
  return {found->first, found->second};
}

}  // namespace noisescope::clip
