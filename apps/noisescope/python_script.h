// Small Python scripts inside the program, for formats whose readers live there.
#pragma once

#include <string>
#include <vector>

namespace noisescope::cli {

/// The Python of the virtual environment in the working folder, as `make` sets one up, or else python3.
std::string default_python();

/// Runs `script` with `python` and these arguments to its end, without a shell; what it prints goes to stderr.
/// `needs`: what that Python must have, for messages. Throws IoError if it cannot be started, FormatError if it fails.
void run_python(const std::string& python, const char* script, const std::vector<std::string>& arguments,
                const std::string& needs);

}  // namespace noisescope::cli
