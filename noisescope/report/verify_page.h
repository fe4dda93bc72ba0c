// The page of a verification: what was measured, and maps beside the truth.
#pragma once

#include <string>

#include "noisescope/verify/verify.h"

namespace noisescope::report {

/// One self-contained HTML file. `command_line` as typed; may be empty.
std::string verify_page(const Verification& verification, const std::string& command_line);

}  // namespace noisescope::report
