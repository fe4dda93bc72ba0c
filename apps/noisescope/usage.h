// What is said of a command line that cannot be understood.
#pragma once

#include <CLI/CLI.hpp>

namespace noisescope::cli {

/// What was expected, what was typed and what was meant, for commands and options that do not exist, prompts without
/// quotes and keys of the configuration without --set; for other errors what CLI11 says. Names the --help to read.
std::string usage_text(const CLI::App& app, const CLI::Error& error);

}  // namespace noisescope::cli
