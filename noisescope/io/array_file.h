// NumPy's .npy: one tensor a file, for everybody else's tools.
// Format: numpy.lib.format, version 1.0.
#pragma once

#include <filesystem>
#include <string>

#include "noisescope/core/tensor.h"

namespace noisescope::io {

/// The bytes of a .npy file, in C order. bfloat16 becomes float32: NumPy has no such type.
/// Throws ValueError for an undefined tensor and types without a NumPy counterpart.
std::string encode_npy(const Tensor& tensor);

/// Writes them atomically. Throws as encode_npy does, IoError.
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

/// Reads what write_npy and numpy.save write: versions 1.0 to 3.0, little-endian numbers and bools, C
/// or Fortran order. Throws FormatError with path and byte offset for anything else, IoError.
Tensor read_npy(const std::filesystem::path& path);

}  // namespace noisescope::io
