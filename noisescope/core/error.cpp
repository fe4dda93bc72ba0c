#include "noisescope/core/error.h"

#include <cstring>

#include "noisescope/core/format.h"

namespace noisescope {

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string out = "'";
  for (const char c : text.substr(0, kLongest)) out += static_cast<unsigned char>(c) < 32 ? '?' : c;
  return out + (text.size() > kLongest ? "...'" : "'");
}

FormatError::FormatError(const std::string& path, uint64_t byte_offset, const std::string& what)
    : std::runtime_error(format_text("{}, byte {}: {}", path, byte_offset, what)) {}

IoError::IoError(const std::string& message, int errno_value)
    : std::runtime_error(message + ": " + std::strerror(errno_value)) {}

}  // namespace noisescope
