// The byte <-> visible character map of byte-level pair encodings (GPT-2, CLIP): printable Latin-1
// bytes stand for themselves, the other 68 for U+0100 and up. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "noisescope/core/namespaces.h"

namespace noisescope::clip {

/// Does the byte stand for itself?
constexpr bool is_printable_byte(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

/// The stand-in of a byte, as UTF-8.
const std::string& visible_byte(uint8_t byte);

/// The bytes that a token stands for. Characters that are no stand-in are left out.
std::string bytes_of_token(std::string_view token);

}  // namespace noisescope::clip
