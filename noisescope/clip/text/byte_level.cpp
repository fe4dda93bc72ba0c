#include "noisescope/clip/text/byte_level.h"

#include <array>
#include <unordered_map>

#include "noisescope/clip/text/unicode.h"

namespace noisescope::clip {
namespace {

std::array<char32_t, 256> stand_in_codes() {
  std::array<char32_t, 256> codes{};
  char32_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    codes[static_cast<size_t>(byte)] = is_printable_byte(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return codes;
}

const std::array<char32_t, 256> kCodes = stand_in_codes();

}  // namespace

const std::string& visible_byte(uint8_t byte) {
  static const std::array<std::string, 256> table = [] {
    std::array<std::string, 256> texts;
    for (size_t i = 0; i < 256; ++i) append_utf8(texts[i], kCodes[i]);
    return texts;
  }();
  return table[byte];
}

std::string bytes_of_token(std::string_view token) {
  static const std::unordered_map<char32_t, char> byte_of = [] {
    std::unordered_map<char32_t, char> map;
    for (size_t i = 0; i < 256; ++i) map[kCodes[i]] = static_cast<char>(i);
    return map;
  }();
  std::string bytes;
  for (const CodePoint& point : decode_utf8(token)) {
    const auto found = byte_of.find(point.value);
    if (found != byte_of.end()) bytes += found->second;
  }
  return bytes;
}

}  // namespace noisescope::clip
