#include "noisescope/io/array_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <regex>
#include <string_view>
#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"

namespace noisescope::io {
namespace {

static_assert(std::endian::native == std::endian::little, "'<' types are written as they lie");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kMaxHeaderBytes = 1 << 16;
constexpr size_t kMaxDimensions = 64;

constexpr std::array<std::pair<const char*, torch::ScalarType>, 14> kTypes = {{
    {"|b1", torch::kBool},
    {"|u1", torch::kUInt8},
    {"|i1", torch::kInt8},
    {"<i2", torch::kInt16},
    {"<i4", torch::kInt32},
    {"<i8", torch::kInt64},
    {"<u2", torch::kUInt16},
    {"<u4", torch::kUInt32},
    {"<u8", torch::kUInt64},
    {"<f2", torch::kFloat16},
    {"<f4", torch::kFloat32},
    {"<f8", torch::kFloat64},
    {"<c8", torch::kComplexFloat},
    {"<c16", torch::kComplexDouble},
}};

std::string make_header(const Tensor& tensor) {
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const auto& entry) { return entry.second == tensor.scalar_type(); });
  if (type == kTypes.end()) {
    throw ValueError("[io.encode_npy] expected a type that NumPy has, got " + describe_tensor(tensor) +
                     "; convert it first");
  }
  std::string shape;
  for (const int64_t size : tensor.sizes()) shape += format_text("{}, ", size);
  if (tensor.dim() > 1) shape.resize(shape.size() - 2);
  std::string text =
      std::string("{'descr': '") + type->first + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  const uint64_t prefix = kMagic.size() + 4;
  text.append(kAlignment - (prefix + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  std::string header(kMagic);
  header += std::string("\x01\x00", 2);
  header += static_cast<char>(text.size() & 255);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

[[noreturn]] void fail(const std::string& path, uint64_t position, const std::string& what) {
  throw FormatError(path, position,
                    "[io.read_npy] expected " + what + "; the file is truncated, damaged or no .npy file");
}

/// What the header says, and where the data begin.
struct Header {
  torch::ScalarType type = torch::kFloat32;
  bool fortran_order = false;
  std::vector<int64_t> shape;
  uint64_t data_start = 0;
};

std::vector<int64_t> parse_shape(std::string_view text, const std::string& path) {
  std::vector<int64_t> shape;
  int64_t count = 1;
  while (!text.empty()) {
    int64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || shape.size() == kMaxDimensions ||
        __builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count)) {
      fail(path, kMagic.size() + 4, "a shape that fits into memory, got another one");
    }
    shape.push_back(size);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    text.remove_prefix(std::min(text.find_first_not_of(", "), text.size()));
  }
  return shape;
}

Header parse_header(std::string_view bytes, const std::string& path) {
  if (bytes.substr(0, kMagic.size()) != kMagic || bytes.size() < kMagic.size() + 6) {
    fail(path, 0, "a .npy file, got another kind of file");
  }
  const auto byte = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])); };
  const uint64_t version = byte(6);
  const uint64_t length_bytes = version == 1 ? 2 : 4;
  if (version < 1 || version > 3) fail(path, 6, format_text("version 1 to 3, got {}", version));
  uint64_t length = 0;
  for (uint64_t i = 0; i < length_bytes; ++i) length |= byte(8 + i) << (8 * i);
  Header header;
  header.data_start = 8 + length_bytes + length;
  if (length > kMaxHeaderBytes || header.data_start > bytes.size()) {
    fail(path, 8, format_text("a short header, got one of {} bytes", length));
  }
  const std::string text(bytes.substr(8 + length_bytes, length));
  static const std::regex kPattern(R"(\{'descr': '([<|][biufc][0-9]{1,2})', 'fortran_order': (True|False), )"
                                   R"('shape': \(((?:[0-9]{1,19}(?:, |,)?){0,64})\), ?\} *\n?)");
  std::smatch match;
  if (text.size() > 2048 || !std::regex_match(text, match, kPattern)) {
    fail(path, 8 + length_bytes,
         "{'descr', 'fortran_order', 'shape'} of plain numbers, got another "
         "header");
  }
  const auto* type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& entry) { return match[1] == entry.first; });
  if (type == kTypes.end()) fail(path, 8 + length_bytes, "a known type, got " + match[1].str());
  header.type = type->second;
  header.fortran_order = match[2] == "True";
  header.shape = parse_shape(match[3].str(), path);
  return header;
}

}  // namespace

std::string encode_npy(const Tensor& tensor) {
  if (!tensor.defined()) throw ValueError("[io.encode_npy] expected a tensor, got an undefined one");
  Tensor values = tensor.detach().to(torch::kCPU).resolve_conj().resolve_neg().contiguous();
  if (values.scalar_type() == torch::kBFloat16) values = values.to(torch::kFloat32);
  std::string bytes = make_header(values);
  bytes.append(static_cast<const char*>(values.data_ptr()), values.nbytes());
  return bytes;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) { write_file_atomic(path, encode_npy(tensor)); }

Tensor read_npy(const std::filesystem::path& path) {
  constexpr uint64_t kMaxFileBytes = uint64_t{1} << 36;
  const std::string bytes = read_file(path, kMaxFileBytes);
  Header header = parse_header(bytes, path.string());
  const uint64_t data_bytes = bytes.size() - header.data_start;
  const uint64_t element = torch::elementSize(header.type);
  uint64_t count = 1;
  for (const int64_t size : header.shape) count *= static_cast<uint64_t>(size);
  if (count > std::numeric_limits<uint64_t>::max() / element || count * element != data_bytes) {
    fail(path.string(), header.data_start,
         format_text("{} values of {} bytes, got {} bytes", count, element, data_bytes));
  }
  if (header.fortran_order) std::reverse(header.shape.begin(), header.shape.end());
  Tensor result = torch::empty(header.shape, header.type);
  const char* data = bytes.data() + header.data_start;
  if (header.type == torch::kBool && std::any_of(data, data + data_bytes, [](char c) { return c != 0 && c != 1; })) {
    fail(path.string(), header.data_start, "bools of 0 or 1, got others");
  }
  if (data_bytes > 0) std::memcpy(result.data_ptr(), data, data_bytes);
  if (!header.fortran_order) return result;
  std::vector<int64_t> order(header.shape.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(order.size() - 1 - i);
  return result.permute(order).contiguous();
}

}  // namespace noisescope::io
