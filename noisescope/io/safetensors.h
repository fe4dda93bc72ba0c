// safetensors: the one format of weights, caches and arrays on disk.
// Layout: u64 little-endian header length, JSON header, tensors back to back.
// Format: github.com/huggingface/safetensors, README "Format".
#pragma once

#include <filesystem>
#include <map>
#include <ostream>
#include <string>

#include "noisescope/core/tensor.h"

namespace noisescope::io {

struct SafetensorsHeader;

/// Named tensors in name order, and the free string -> string metadata of the file.
struct TensorFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor of this name; throws ModelError naming the missing key and what there is.
  const Tensor& at(const std::string& name) const;
};

/// Reads a whole file. Tensors own their memory (CPU, dtype of the file; BF16 and F16 stay).
/// Everything in the file is checked before a byte is used: header length, JSON, dtypes, shapes,
/// offsets (in range, not overlapping, no gaps, product without overflow).
/// Throws FormatError with path and byte offset, IoError if it cannot be read.
TensorFile read_safetensors(const std::filesystem::path& path);

/// The metadata alone, without reading the tensors.
std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path);

/// The checked header alone (io/safetensors_header.h).
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

/// Writes atomically. Tensors of any device and layout are written contiguous. The bytes depend on
/// the content alone, so equal content gives equal files.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);
/// The same bytes into a stream, whose state is the caller's to check.
void write_safetensors(std::ostream& out, const TensorFile& file);

}  // namespace noisescope::io
