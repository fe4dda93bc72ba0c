// A safetensors file up to its data: length, JSON, shapes, offsets.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "noisescope/io/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const uint64_t length = safetensors_header_length(bytes, size, "fuzz");
    const SafetensorsHeader header = parse_safetensors_header(bytes.substr(8, length), size, "fuzz");
    // What was accepted must be usable: each tensor lies in the file and has the size of its shape.
    for (const TensorEntry& entry : header.entries) {
      uint64_t expected = safetensors_dtype_bytes(entry.dtype);
      for (const int64_t side : entry.shape) expected *= static_cast<uint64_t>(side);
      if (entry.end - entry.begin != expected || header.data_start + entry.end > size) std::abort();
    }
  } catch (const FormatError&) {
  }
  return 0;
}
