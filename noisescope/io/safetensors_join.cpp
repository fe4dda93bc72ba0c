#include "noisescope/io/safetensors_join.h"

#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors_header.h"

namespace noisescope::io {
namespace {

/// The entry of `name` in the header of a file.
TensorEntry entry_of(const std::filesystem::path& path, const std::string& name) {
  for (TensorEntry& entry : read_safetensors_header(path).entries) {
    if (entry.name == name) return std::move(entry);
  }
  throw ModelError(format_text("[io.join_safetensors] expected tensor '{}' in {}, got none", name, path.string()));
}

/// The whole tensor's entry, without offsets.
TensorEntry joined_entry(const JoinedTensor& tensor) {
  TensorEntry whole;
  for (const auto& file : tensor.files) {
    TensorEntry part = entry_of(file, tensor.name);
    const bool first = whole.name.empty();
    const bool fits = !part.shape.empty() &&
                      (first || (part.dtype == whole.dtype && std::equal(part.shape.begin() + 1, part.shape.end(),
                                                                         whole.shape.begin() + 1, whole.shape.end())));
    if (!fits) {
      throw ShapeError(
          format_text("[io.join_safetensors] expected rows of one dtype and width as '{}', "
                      "got others in {}",
                      tensor.name, file.string()));
    }
    if (first) {
      whole = std::move(part);
    } else {
      whole.shape[0] += part.shape[0];
    }
  }
  return whole;
}

/// Offsets in the order that write_safetensors has: larger elements first, then by name.
void lay_out(std::vector<TensorEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    const auto bytes = [](const TensorEntry& entry) { return safetensors_dtype_bytes(entry.dtype); };
    return bytes(a) != bytes(b) ? bytes(a) > bytes(b) : a.name < b.name;
  });
  uint64_t position = 0;
  for (TensorEntry& entry : entries) {
    uint64_t bytes = safetensors_dtype_bytes(entry.dtype);
    for (const int64_t size : entry.shape) bytes *= static_cast<uint64_t>(size);
    entry.begin = position;
    entry.end = position += bytes;
  }
}

}  // namespace

void join_safetensors(const std::filesystem::path& path, const std::vector<JoinedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<TensorEntry> entries;
  std::map<std::string, const JoinedTensor*> source;
  for (const JoinedTensor& tensor : tensors) {
    if (tensor.files.empty()) continue;
    entries.push_back(joined_entry(tensor));
    source[tensor.name] = &tensor;
  }
  lay_out(entries);
  const std::string header = make_safetensors_header(entries, metadata);
  write_file_atomic(path, [&](std::ostream& out) {
    out.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const TensorEntry& entry : entries) {
      for (const auto& file : source.at(entry.name)->files) {
        const Tensor rows = read_safetensors(file).at(entry.name).contiguous();
        out.write(static_cast<const char*>(rows.const_data_ptr()), static_cast<std::streamsize>(rows.nbytes()));
      }
    }
  });
}

}  // namespace noisescope::io
