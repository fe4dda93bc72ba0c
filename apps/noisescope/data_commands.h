// The commands below "data".
#pragma once

#include "apps/noisescope/cli.h"

namespace noisescope::cli {

void add_data_import(CLI::App& data, Session& session);

}  // namespace noisescope::cli
