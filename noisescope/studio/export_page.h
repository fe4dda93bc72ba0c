// The studio as one file: page, engine without torch and model, to be opened offline.
#pragma once

#include <string>

#include "noisescope/live_export/live_file.h"
#include "noisescope/studio/studio.h"

namespace noisescope::studio {

/// HTML that holds everything and asks nobody: its content security policy lets in no address, and runs only the code
/// that stands in it. Throws ModelError for a model that runs only in the program (live_export/live_file.h), or a
/// program that was built without the page.
std::string live_page(const Studio& studio, LiveNumbers numbers);

}  // namespace noisescope::studio
