#include "noisescope/live/weights.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "noisescope/core/format.h"
#include "noisescope/io/safetensors_header.h"

namespace noisescope::live {
namespace {

template <class T>
T value_at(std::string_view data, size_t index) {
  T value;
  std::memcpy(&value, data.data() + index * sizeof(T), sizeof(T));
  return value;
}

std::vector<double> values_of(const TensorEntry& entry, std::string_view data, const std::string& file) {
  const uint64_t width = safetensors_dtype_bytes(entry.dtype);
  std::vector<double> values(data.size() / width);
  for (size_t i = 0; i < values.size(); ++i) {
    if (entry.dtype == "F16") {
      values[i] = static_cast<double>(float_of_half(value_at<uint16_t>(data, i)));
    } else if (entry.dtype == "F32") {
      values[i] = static_cast<double>(value_at<float>(data, i));
    } else if (entry.dtype == "F64") {
      values[i] = value_at<double>(data, i);
    } else {
      throw FormatError("[live.Weights] " + file + ": expected arrays of F16, F32 or F64, got " + entry.dtype + " of " +
                        in_quotes(entry.name));
    }
  }
  return values;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(format_text("{}", size));
  std::string text;
  for (const std::string& size : sizes) text += (text.empty() ? "[" : ", ") + size;
  return text.empty() ? "[]" : text + "]";
}

}  // namespace

float float_of_half(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16, exponent = (half >> 10) & 31u, fraction = half & 1023u;
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign ? -small : small;
  }
  const uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

Weights Weights::read(std::string_view file, const std::string& name) {
  const uint64_t length = safetensors_header_length(file.substr(0, 8), file.size(), name);
  const SafetensorsHeader header = parse_safetensors_header(file.substr(8, length), file.size(), name);
  Weights weights;
  weights.name_ = name;
  weights.metadata_ = header.metadata;
  for (const TensorEntry& entry : header.entries) {
    const std::string_view data = file.substr(header.data_start + entry.begin, entry.end - entry.begin);
    weights.arrays_[entry.name] = {entry.shape, values_of(entry, data, name)};
  }
  return weights;
}

const WeightArray& Weights::at(const std::string& key) const {
  const auto found = arrays_.find(key);
  if (found != arrays_.end()) return found->second;
  throw ModelError("[live.Weights] " + name_ + ": expected an array " + in_quotes(key) + ", got none");
}

std::vector<float> Weights::floats(const std::string& key, const std::vector<int64_t>& shape) const {
  const WeightArray& array = at(key);
  if (array.shape != shape) {
    throw ModelError("[live.Weights] " + name_ + ": expected " + in_quotes(key) + " of " + shape_text(shape) +
                     ", got " + shape_text(array.shape));
  }
  std::vector<float> out(array.values.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(array.values[i]);
  return out;
}

const std::string& Weights::text(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found != metadata_.end()) return found->second;
  throw ModelError("[live.Weights] " + name_ + ": expected a text " + in_quotes(key) +
                   " in the metadata, got none; 'noisescope export page' writes such files");
}

}  // namespace noisescope::live
