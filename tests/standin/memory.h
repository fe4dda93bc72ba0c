// The memory of the stand-in device: every allocation has an address that nobody may read, and host memory behind it
// that only the kernels of the device are shown.
#pragma once

#include <c10/core/Allocator.h>

#include "noisescope/core/tensor.h"

namespace noisescope::standin {

/// Gives memory of the device. To read or write at one of its addresses ends the process, with the way there on stderr.
c10::Allocator& device_allocator();

/// Gives host memory that counts as pinned.
c10::Allocator& pinned_allocator();
bool is_pinned(const void* address);

/// What tensors of the device are to torch's dispatcher.
c10::DispatchKeySet device_keys();
bool is_on_device(const Tensor& tensor);

/// What a kernel computes on: a CPU tensor over the memory of a tensor of the device, as long as that lives.
Tensor host_view(const Tensor& tensor);

/// Gives the memory of a tensor of the device so many bytes at least; what is in them stays.
void grow(const Tensor& tensor, size_t bytes);

/// What a kernel has computed, as a tensor of the device: it takes over the memory of this CPU tensor.
Tensor adopted(const Tensor& host);

}  // namespace noisescope::standin
