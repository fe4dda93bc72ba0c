// A look at a folder before long work ends in it. No torch here.
#pragma once

#include <filesystem>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// Creates the folder, and a file in it for a moment; throws IoError with the reason.
void check_writable(const std::filesystem::path& folder);

}  // namespace noisescope::io
