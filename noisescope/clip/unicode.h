// The part of Unicode that CLIP's text normalisation needs: UTF-8, NFC, lower case, letter and number
// classes (tables of Unicode 14, tools/make_unicode_tables.py). No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace noisescope {

/// A code point and the bytes [begin, end) of the original text that it came from.
struct CodePoint {
  char32_t value = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

/// Throws ValueError naming the byte at which `text` stops being valid UTF-8 (no surrogates, no
/// overlong forms).
std::vector<CodePoint> decode_utf8(std::string_view text);

void append_utf8(std::string& out, char32_t code);

/// Canonical composition (UAX #15, NFC). A composed character covers the bytes of all its parts.
std::vector<CodePoint> to_nfc(const std::vector<CodePoint>& text);

/// NFC, every run of white space to one blank, lower case character by character: what the
/// normalizer of transformers' CLIPTokenizer does.
std::vector<CodePoint> normalize_text(std::string_view text);

bool is_letter(char32_t code);      // general category L*
bool is_mark(char32_t code);        // M*
bool is_number(char32_t code);      // N*
bool is_white_space(char32_t code);  // the White_Space property

}  // namespace noisescope
