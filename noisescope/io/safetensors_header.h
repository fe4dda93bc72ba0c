// The header of a safetensors file: parsed and checked before a byte of the data is used.
// No torch here, so that it can be fuzzed on its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/error.h"

namespace noisescope::io {

/// One tensor of the file. `begin` and `end` are bytes from the start of the data.
struct TensorEntry {
  std::string name;
  std::string dtype;  // "F32", ...: as in the file, one that safetensors_dtype_bytes knows
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  // in the order of the data
  std::map<std::string, std::string> metadata;
  uint64_t data_start = 0;  // byte of the file where the data begin
};

/// Bytes an element, 0 for an unknown name.
uint64_t safetensors_dtype_bytes(std::string_view dtype);

/// The longest header that is accepted, as in the reference implementation.
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;

/// Length of the JSON text from the first 8 bytes of the file. `prefix` holds what there is of them.
/// Throws FormatError if it is too large or more than the file has.
uint64_t safetensors_header_length(std::string_view prefix, uint64_t file_bytes, const std::string& path);

/// Parses the JSON text that follows the length. Checked: JSON (no duplicate keys), dtypes, shapes
/// (whose element count does not overflow), offsets (in range, size as the shape says, no overlap, no
/// gap, all of the file used). Throws FormatError with path and byte offset.
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t file_bytes, const std::string& path);

/// Length and JSON text, padded with spaces to a multiple of 8 bytes. `entries` in the order of the
/// data. Names and metadata must be UTF-8 (else ValueError).
std::string make_safetensors_header(const std::vector<TensorEntry>& entries,
                                    const std::map<std::string, std::string>& metadata);

}  // namespace noisescope::io
