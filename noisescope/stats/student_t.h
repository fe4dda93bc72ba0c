// Student's t, without torch.
#pragma once

#include <cstdint>

#include "noisescope/core/namespaces.h"

namespace noisescope::stats {

/// 97.5 % quantile of Student's t with `df` >= 1 degrees of freedom.
double student_t95(int64_t df);

}  // namespace noisescope::stats
