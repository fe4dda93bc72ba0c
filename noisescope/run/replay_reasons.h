// Why a run that is made again may come out otherwise, as far as its folder knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/core/device.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// Facts of machine and software that were others at one of the run's starts than they are now, and what of the run no
/// replay can repeat: budgets in seconds, threads that followed the machine. Empty where nothing is known.
std::vector<std::string> reasons_to_differ(const RunFolder& folder, torch::Device device);

/// Steps that the run's CLIP was trained for; none where it was not trained there, or by an older version.
std::optional<int64_t> clip_steps(const RunFolder& folder);

}  // namespace noisescope::run
