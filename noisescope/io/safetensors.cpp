#include "noisescope/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <fstream>
#include <utility>

#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors_header.h"

namespace noisescope::io {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

constexpr std::array<std::pair<const char*, torch::ScalarType>, 16> kTorchTypes = {{
    {"BOOL", torch::kBool},
    {"U8", torch::kUInt8},
    {"I8", torch::kInt8},
    {"F8_E4M3", torch::kFloat8_e4m3fn},
    {"F8_E5M2", torch::kFloat8_e5m2},
    {"I16", torch::kInt16},
    {"U16", torch::kUInt16},
    {"F16", torch::kFloat16},
    {"BF16", torch::kBFloat16},
    {"I32", torch::kInt32},
    {"U32", torch::kUInt32},
    {"F32", torch::kFloat32},
    {"I64", torch::kInt64},
    {"U64", torch::kUInt64},
    {"F64", torch::kFloat64},
    {"C64", torch::kComplexFloat},
}};

torch::ScalarType torch_type(const std::string& dtype) {
  for (const auto& [name, type] : kTorchTypes) {
    if (dtype == name) return type;
  }
  throw FormatError("[io.safetensors] expected a dtype with a torch type, got " + dtype);
}

std::string dtype_name(const std::string& tensor_name, const Tensor& tensor) {
  for (const auto& [name, type] : kTorchTypes) {
    if (tensor.scalar_type() == type) return name;
  }
  throw ValueError(
      format_text("[io.write_safetensors] expected tensors of a plain dtype, got {} for '{}'; "
                  "convert it first",
                  describe_tensor(tensor), tensor_name));
}

/// An open file with its checked header.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path.string()) {
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(path, error);
    if (error) {
      throw IoError("[io.read_safetensors] expected a readable file, got " + path_, error.value());
    }
    file_.open(path, std::ios::binary);
    if (!file_) {
      throw IoError("[io.read_safetensors] expected a readable file, got " + path_, errno);
    }
    std::string prefix(std::min<uint64_t>(bytes, 8), '\0');
    read(prefix.data(), prefix.size());
    std::string json(safetensors_header_length(prefix, bytes, path_), '\0');
    read(json.data(), json.size());
    header_ = parse_safetensors_header(json, bytes, path_);
  }

  const SafetensorsHeader& header() const { return header_; }

  Tensor tensor(const TensorEntry& entry) {
    Tensor result = torch::empty(entry.shape, torch_type(entry.dtype));
    file_.seekg(static_cast<std::streamoff>(header_.data_start + entry.begin));
    read(static_cast<char*>(result.data_ptr()), entry.end - entry.begin);
    if (result.scalar_type() == torch::kBool) check_booleans(entry, result);
    return result;
  }

 private:
  void read(char* target, uint64_t bytes) {
    if (bytes == 0) return;
    if (!file_.read(target, static_cast<std::streamsize>(bytes))) {
      throw FormatError(path_, 0,
                        format_text("[io.read_safetensors] expected {} more bytes, "
                                    "got the end of the file; it changed while being read",
                                    bytes));
    }
  }

  /// A bool that is neither 0 nor 1 would be undefined behaviour in every later use.
  void check_booleans(const TensorEntry& entry, const Tensor& tensor) const {
    const auto* bytes = static_cast<const uint8_t*>(tensor.data_ptr());
    const auto* wrong = std::find_if(bytes, bytes + tensor.numel(), [](uint8_t b) { return b > 1; });
    if (wrong == bytes + tensor.numel()) return;
    throw FormatError(path_, header_.data_start + entry.begin + static_cast<uint64_t>(wrong - bytes),
                      format_text("[io.read_safetensors] expected 0 or 1 in bool tensor '{}', got {}; "
                                  "the file is damaged",
                                  entry.name, *wrong));
  }

  std::string path_;
  std::ifstream file_;
  SafetensorsHeader header_;
};

/// The order of the data: larger elements first, so that each tensor is aligned; then by name.
std::vector<std::pair<TensorEntry, Tensor>> layout(const TensorFile& file) {
  std::vector<std::pair<TensorEntry, Tensor>> parts;
  for (const auto& [name, tensor] : file.tensors) {
    if (!tensor.defined() || name == "__metadata__") {
      throw ValueError("[io.write_safetensors] expected a defined tensor under a free name, got '" + name + "'");
    }
    const TensorEntry entry{.name = name, .dtype = dtype_name(name, tensor), .shape = tensor.sizes().vec()};
    parts.emplace_back(entry, tensor);
  }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  uint64_t position = 0;
  for (auto& [entry, tensor] : parts) {
    entry.begin = position;
    entry.end = position += tensor.nbytes();
  }
  return parts;
}

}  // namespace

const Tensor& TensorFile::at(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found != tensors.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [key, tensor] : tensors) names.push_back(key);
  const std::string nearest = nearest_name(name, names);
  const size_t count = names.size();
  if (count > 8) names.resize(8);
  const std::string hint =
      nearest.empty() ? "the file belongs to something else" : format_text("the nearest name is '{}'", nearest);
  throw ModelError(format_text("[io.TensorFile] expected tensor '{}', got {} others ({}{}); {}", name, count,
                               join(names), count > 8 ? ", ..." : "", hint));
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  Reader reader(path);
  TensorFile file;
  file.metadata = reader.header().metadata;
  for (const TensorEntry& entry : reader.header().entries) {
    file.tensors.emplace(entry.name, reader.tensor(entry));
  }
  return file;
}

std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
  return Reader(path).header().metadata;
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) { return Reader(path).header(); }

void write_safetensors(std::ostream& out, const TensorFile& file) {
  const auto parts = layout(file);
  std::vector<TensorEntry> entries;
  for (const auto& [entry, tensor] : parts) entries.push_back(entry);
  const std::string header = make_safetensors_header(entries, file.metadata);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [entry, tensor] : parts) {
    const Tensor bytes = tensor.detach().to(torch::kCPU).resolve_conj().resolve_neg().contiguous();
    out.write(static_cast<const char*>(bytes.data_ptr()), static_cast<std::streamsize>(bytes.nbytes()));
  }
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  write_file_atomic(path, [&](std::ostream& out) { write_safetensors(out, file); });
}

}  // namespace noisescope::io
