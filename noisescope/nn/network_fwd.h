// Modules and networks by name alone, for headers that only pass them on: torch's own header costs
// every source that sees it a second to compile, those of layers five.
#pragma once

#include <memory>

#include "noisescope/core/namespaces.h"

namespace torch::nn {
class Module;
}

namespace noisescope::nn {

class ConditionalNetwork;
using NetworkPtr = std::shared_ptr<ConditionalNetwork>;

}  // namespace noisescope::nn
