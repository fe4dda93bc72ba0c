// Text files from outside as UTF-8. No torch here.
#pragma once

#include <string>
#include <string_view>

#include "noisescope/core/error.h"

namespace noisescope::io {

/// How many bytes from the start are valid UTF-8 (no surrogates, no overlong forms): all, if it is.
size_t utf8_prefix(std::string_view text);

/// A text file as UTF-8, its byte order mark dropped; one in UTF-16 with such a mark is converted.
struct DecodedText {
  std::string text;
  bool was_utf16 = false;
};

/// Throws FormatError "name:line: ..." with the first byte that is no UTF-8, and what to do.
DecodedText decode_text(std::string_view bytes, const std::string& name);

}  // namespace noisescope::io
