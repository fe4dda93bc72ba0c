// A branch as a line to type elsewhere.
#pragma once

#include <string>

#include "noisescope/studio/branch.h"

namespace noisescope::studio {

/// The command that draws the branch: `noisescope sample` of a run folder, `noisescope rewind` of any model where one
/// thing was changed once; "" where no command can say it. `argument`: MODEL as it is typed; "": none.
std::string command_text(const Branch& branch, const std::string& argument);

/// The same in Python; `model`: an expression that makes the model; "" where no line can say it.
std::string python_text(const Branch& branch, const std::string& model);

}  // namespace noisescope::studio
