// A stop that is heard in the middle of a step: many pictures at once take longer than somebody who cancels waits.
#pragma once

#include <functional>

#include "noisescope/model/model.h"

namespace noisescope::studio {

/// The same denoiser, batches evaluated in parts of at most `rows` >= 1 rows. Before each part, and before the gradient
/// of each, `look` is called, which may throw. Equal to the whole up to rounding.
Denoiser in_parts(Denoiser whole, int64_t rows, std::function<void()> look);

/// A model that throws Interrupted between the parts of an evaluation where the job of the thread was told to stop
/// (job_queue.h). A part takes some hundredths of a second on two cores. On other devices than the CPU, whose batches
/// are quick, batches stay whole.
Model stoppable(Model model);

}  // namespace noisescope::studio
