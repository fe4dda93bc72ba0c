// NumPy's .npz: several named arrays in one zip archive of .npy files, stored without compression.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "noisescope/core/tensor.h"

namespace noisescope::io {

/// Writes atomically; numpy.load gives the arrays by their names. The same tensors give the same
/// bytes. Throws ValueError for a name that is empty or has a '/', and as encode_npy does; IoError.
void write_npz(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors);

}  // namespace noisescope::io
