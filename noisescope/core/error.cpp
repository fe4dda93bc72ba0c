#include "noisescope/core/error.h"

#include <cstring>

namespace noisescope {

FormatError::FormatError(const std::string& path, uint64_t byte_offset, const std::string& what)
    : std::runtime_error(path + ", byte " + std::to_string(byte_offset) + ": " + what) {}

IoError::IoError(const std::string& message, int errno_value)
    : std::runtime_error(message + ": " + std::strerror(errno_value)) {}

}  // namespace noisescope
