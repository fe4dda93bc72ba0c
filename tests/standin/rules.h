// What an accelerator refuses, of an operator by its schema and arguments.
#pragma once

#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>

#include "noisescope/core/tensor.h"

namespace noisescope::standin {

/// Throws c10::Error, as CUDA does, for arguments of two devices: everything must lie on the stand-in device but
/// numbers (0-dimensional CPU tensors) for the operators that take them, and the indices of index and index_put, whose
/// copy is counted. Also for random numbers of torch's generators, which would be others than on the CPU.
void check_arguments(const c10::OperatorHandle& op, const std::vector<Tensor>& tensors);

/// Must the host wait for the device to know how this operator's result looks: its shape, or a value of its own?
bool is_waited_for(const c10::OperatorHandle& op);

}  // namespace noisescope::standin
