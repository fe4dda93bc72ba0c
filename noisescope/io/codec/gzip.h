// Single files compressed by gzip (zlib). No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// By content, not by name.
bool is_gzip(std::string_view bytes);

/// The content. Throws FormatError with `name` and byte for anything truncated, damaged, followed by
/// something else, or longer than `limit_bytes` when unpacked.
std::string gunzip(std::string_view bytes, const std::string& name, uint64_t limit_bytes);

}  // namespace noisescope::io
