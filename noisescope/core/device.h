// Devices, threads and the process-wide numeric settings, made once at program start.
#pragma once

#include <string>

#include "noisescope/core/tensor.h"

namespace noisescope {

/// "cpu", "cuda", "cuda:1" or "auto" (CUDA where there is one).
/// Throws ValueError if the device does not exist on this machine.
torch::Device parse_device(const std::string& text);

/// Intra-op threads (0: as many as cores), flush of denormal numbers (they slow a step tenfold),
/// and allocator thresholds that keep freed memory for the next step.
void configure_process(int64_t threads);

/// What configure_process settled on and what this machine is, one "name: value" a line.
std::string machine_facts();

}  // namespace noisescope
