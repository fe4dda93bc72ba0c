// Work on many tensors, each done by one of the processes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "noisescope/processes/group.h"

namespace noisescope::processes {

/// `work` turns tensors into tensors of the same shapes and memory order, each on its own (a result does not depend on
/// its neighbours), in time about in proportion to `costs`. Every process does those that it is dealt, the costliest to
/// whoever has least, and gets the results of all. float32, dense in memory. Throws ProcessError.
std::vector<Tensor> dealt(Group& group, const std::vector<Tensor>& tensors, const std::vector<double>& costs,
                          const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& work);

}  // namespace noisescope::processes
