// The part of Unicode that CLIP's text normalisation needs: UTF-8, NFC, lower case, letter and number
// classes (tables of Unicode 14, tools/make_unicode_tables.py). No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::clip {

/// A code point and the bytes [begin, end) of the original text that it came from.
struct CodePoint {
  char32_t value = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

using CodePoints = std::vector<CodePoint>;

/// Throws ValueError naming the byte at which `text` stops being valid UTF-8 (no surrogates, no
/// overlong forms).
CodePoints decode_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t code);

/// Whose combining classes and compositions: Unicode 14, or what the tokenizers of transformers know.
enum class NfcTables { unicode_14, unicode_9 };

/// Canonical composition (UAX #15, NFC). A composed character covers the bytes of all its parts.
CodePoints to_nfc(const CodePoints& text, NfcTables tables = NfcTables::unicode_14);

/// NFC of Unicode 9, every run of white space to one blank, lower case character by character: what the
/// normalizer of transformers' CLIPTokenizer does.
CodePoints normalize_text(std::string_view text);

/// Every run of white space to one blank that covers it.
CodePoints join_blanks(const CodePoints& text);

/// Lower case as Python's str.lower has it: a capital sigma at the end of a word becomes the final one
/// (SpecialCasing, Final_Sigma), U+0130 an i and a dot.
CodePoints lower_in_context(const CodePoints& text);

/// What a halfwidth or fullwidth form stands for (NFKC; one or two code points), or 0, 0.
std::pair<char32_t, char32_t> standard_width(char32_t code);

bool is_letter(char32_t code);       // general category L*
bool is_mark(char32_t code);         // M*
bool is_number(char32_t code);       // N*
bool is_digit(char32_t code);        // Nd
bool is_white_space(char32_t code);  // the White_Space property

}  // namespace noisescope::clip
