// A JSON file from outside.
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// Throws IoError, FormatError naming path and byte where it stops being JSON.
nlohmann::ordered_json read_json_file(const std::filesystem::path& path);

}  // namespace noisescope::io
