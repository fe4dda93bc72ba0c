// What others on the machine took while a job ran, for the files of a run.
#pragma once

#include <nlohmann/json.hpp>

#include "noisescope/core/namespaces.h"
#include "noisescope/core/threads.h"

namespace noisescope::run {

/// cores and threads (at most); where threads followed the machine others_cores (mean) and fewer_threads_share (of the
/// time), too, and busy_note as `note` where it was busy.
nlohmann::ordered_json machine_json(const MachineUse& use);

}  // namespace noisescope::run
