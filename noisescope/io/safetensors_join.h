// Tensors of several files put together along their first dimension, without holding them in memory.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "noisescope/io/safetensors.h"

namespace noisescope::io {

/// Rows of tensor `name` in each of `files`, in order.
struct JoinedTensor {
  std::string name;
  std::vector<std::filesystem::path> files;
};

/// Writes `path` atomically: each tensor is the rows of its files, one after the other. At most one
/// file's tensor is in memory. The bytes are those of write_safetensors with the whole tensors.
/// Throws ModelError if a file lacks its tensor, ShapeError if dtypes or widths differ, IoError.
void join_safetensors(const std::filesystem::path& path, const std::vector<JoinedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata);

}  // namespace noisescope::io
