// What a request cannot have: beside the errors of the library (what was asked is wrong), these two.
#pragma once

#include <stdexcept>

#include "noisescope/core/namespaces.h"

namespace noisescope::studio {

/// There is no such branch, job, picture or file.
struct NotThere : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Not now: still being drawn, too many at once, no room left.
struct NotNow : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace noisescope::studio
