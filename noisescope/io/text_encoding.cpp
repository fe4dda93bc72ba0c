#include "noisescope/io/text_encoding.h"

#include <algorithm>
#include <cstdint>

#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

/// Length of the sequence that begins at text[at], or 0.
size_t sequence_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

void append_code(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
  if (code < 0x10000) return put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
  put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
}

/// `bytes` behind the mark; half a pair or an odd byte is refused.
std::string from_utf16(std::string_view bytes, bool big_endian, const std::string& name) {
  std::string text;
  const auto unit = [&](size_t at) {
    const auto high = static_cast<unsigned char>(bytes[at + (big_endian ? 0 : 1)]);
    const auto low = static_cast<unsigned char>(bytes[at + (big_endian ? 1 : 0)]);
    return static_cast<uint32_t>(high << 8 | low);
  };
  bool whole = bytes.size() % 2 == 0;
  for (size_t at = 0; whole && at < bytes.size(); at += 2) {
    uint32_t code = unit(at);
    if (code >= 0xd800 && code < 0xe000) {
      whole = code < 0xdc00 && at + 4 <= bytes.size() && (unit(at + 2) & 0xfc00) == 0xdc00;
      if (!whole) break;
      code = 0x10000 + ((code - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
      at += 2;
    }
    append_code(text, code);
  }
  if (whole) return text;
  throw FormatError("[io.decode_text] " + name + ": expected whole UTF-16 as its byte order mark says, got a broken " +
                    "character; save the file as UTF-8");
}

}  // namespace

size_t utf8_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = sequence_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return at;
}

DecodedText decode_text(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with("\xff\xfe")) return {from_utf16(bytes.substr(2), false, name), true};
  if (bytes.starts_with("\xfe\xff")) return {from_utf16(bytes.substr(2), true, name), true};
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const size_t valid = utf8_prefix(bytes);
  if (valid < bytes.size()) {
    const std::string_view before = bytes.substr(0, valid);
    const size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    throw FormatError(format_text(
        "[io.decode_text] {}:{}: expected UTF-8, got the byte 0x{:02x} behind '{}'; save the file as UTF-8, or convert "
        "it: iconv -f latin1 -t utf-8",
        name, 1 + std::count(before.begin(), before.end(), '\n'), static_cast<unsigned char>(bytes[valid]),
        std::string(before.substr(start).substr(0, 60))));
  }
  return {std::string(bytes), false};
}

}  // namespace noisescope::io
