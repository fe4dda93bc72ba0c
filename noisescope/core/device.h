// Devices, threads and the process-wide numeric settings, made once at program start.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope {

/// "cpu", "cuda", "cuda:1" or "auto" (CUDA where there is one); also the name under which a loaded library has
/// registered a device of its own with torch (PrivateUse1).
/// Throws ValueError if the device does not exist on this machine.
torch::Device parse_device(const std::string& text);

/// `tensor` on `device`. From the CPU to an accelerator by way of pinned memory, so that the host goes on at once.
Tensor to_device(const Tensor& tensor, torch::Device device);

/// Intra-op threads (0: at most as many as cores, following the machine (core/threads.h), or OMP_NUM_THREADS where that
/// is set), flush of denormal numbers (they slow a step tenfold),
/// and allocator thresholds that keep freed memory for the next step.
void configure_process(int64_t threads);

/// Whether this processor multiplies matrices of bfloat16 in units of their own (AMX) and torch's kernels may use them
/// (ONEDNN_MAX_CPU_ISA, where it is set, allows it).
bool has_bfloat16_matrix_units();

/// What this machine is and what configure_process settled on: ("noisescope", "0.1.0"), ("torch", "2.13.0"), ... in a
/// stable order, for `noisescope doctor` and the env.json of a run.
std::vector<std::pair<std::string, std::string>> machine_facts();

/// What is wrong with this machine or process, each with its remedy; empty if nothing is.
std::vector<std::string> machine_problems();

}  // namespace noisescope
