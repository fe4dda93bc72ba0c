#include "noisescope/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr size_t kMaxTensorDimensions = 64;  // more than torch's own loops take

constexpr std::array<std::pair<const char*, uint64_t>, 16> kDtypes = {{{"BOOL", 1},
                                                                       {"U8", 1},
                                                                       {"I8", 1},
                                                                       {"F8_E4M3", 1},
                                                                       {"F8_E5M2", 1},
                                                                       {"I16", 2},
                                                                       {"U16", 2},
                                                                       {"F16", 2},
                                                                       {"BF16", 2},
                                                                       {"I32", 4},
                                                                       {"U32", 4},
                                                                       {"F32", 4},
                                                                       {"I64", 8},
                                                                       {"U64", 8},
                                                                       {"F64", 8},
                                                                       {"C64", 8}}};

/// For messages: a hostile name must not become a hostile message.
/// Reads the header's JSON event by event. A document tree would let a hostile header cost a hundred
/// times its size, and would silently drop duplicate keys.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { return reject("null"); }
  bool boolean(bool) override { return reject("true or false"); }
  bool number_integer(number_integer_t value) override { return reject(format_text("the number {}", value)); }
  bool number_float(number_float_t, const string_t& text) override { return reject("the number " + in_quotes(text)); }
  bool binary(binary_t&) override { return reject("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
          entry_.shape.size() == kMaxTensorDimensions) {
        return reject("a shape beyond all limits");
      }
      entry_.shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (place_ == Place::offsets && offset_count_ < 2) {
      (offset_count_++ == 0 ? entry_.begin : entry_.end) = value;
      return true;
    }
    return reject(format_text("the number {}", value));
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata[field_] = value;
      return true;
    }
    if (place_ == Place::entry && field_ == "dtype") {
      entry_.dtype = value;
      return true;
    }
    return reject("the text " + in_quotes(value));
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top) {
      place_ = field_ == "__metadata__" ? Place::metadata : Place::entry;
      entry_ = TensorEntry{.name = field_, .dtype = {}, .shape = {}};
      seen_fields_.clear();
      offset_count_ = 0;
    } else {
      return reject("an object");
    }
    return true;
  }

  bool key(string_t& name) override {
    std::set<std::string>& seen = place_ == Place::top ? seen_names_ : seen_fields_;
    if (!seen.insert(name).second) return reject("the key " + in_quotes(name) + " twice");
    if (place_ == Place::entry && name != "dtype" && name != "shape" && name != "data_offsets") {
      return reject("the unknown field " + in_quotes(name));
    }
    field_ = name;
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) {
      if (seen_fields_.size() != 3 || offset_count_ != 2) return reject("an incomplete tensor");
      header_.entries.push_back(std::move(entry_));
    }
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || field_ == "dtype") return reject("a list");
    place_ = field_ == "shape" ? Place::shape : Place::offsets;
    return true;
  }

  bool end_array() override {
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    throw FormatError(path_, kLengthBytes + position - (position > 0),
                      std::string("[io.safetensors] expected a JSON header, got ") + error.what() +
                          "; the file is damaged or no safetensors file");
  }

 private:
  enum class Place { outside, top, metadata, entry, shape, offsets };

  [[noreturn]] bool reject(const std::string& got) const {
    throw FormatError(path_, kLengthBytes,
                      format_text("[io.safetensors] expected {{name: {{dtype, shape, data_offsets}}}} in the header, "
                                  "got {}{}; the file is damaged or no safetensors file",
                                  got, field_.empty() ? "" : " at " + in_quotes(where())));
  }
  std::string where() const {
    return place_ == Place::top || place_ == Place::outside ? field_ : entry_.name + "." + field_;
  }

  const std::string& path_;
  SafetensorsHeader header_;
  Place place_ = Place::outside;
  std::string field_;
  TensorEntry entry_;
  int offset_count_ = 0;
  std::set<std::string> seen_names_;
  std::set<std::string> seen_fields_;
};

/// Bytes that a tensor of this dtype and shape takes. Dimensions of 0 count as 1 in the check of
/// overflow, because strides are computed so.
uint64_t checked_bytes(const TensorEntry& entry, const std::string& path, uint64_t position) {
  uint64_t count = 1;
  bool empty = false;
  const uint64_t element = safetensors_dtype_bytes(entry.dtype);
  if (element == 0) {
    throw FormatError(path, position,
                      format_text("[io.safetensors] expected a known dtype, got {} for tensor {}",
                                  in_quotes(entry.dtype), in_quotes(entry.name)));
  }
  for (const int64_t size : entry.shape) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(std::max<int64_t>(size, 1)), &count) ||
        count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / element) {
      throw FormatError(path, position,
                        "[io.safetensors] expected a shape that fits into memory, got "
                        "an overflow for tensor " +
                            in_quotes(entry.name));
    }
  }
  return empty ? 0 : count * element;
}

void check_offsets(const SafetensorsHeader& header, uint64_t data_bytes, const std::string& path) {
  uint64_t expected_begin = 0;
  for (const TensorEntry& entry : header.entries) {
    const uint64_t position = header.data_start + std::min(entry.begin, data_bytes);
    const uint64_t bytes = checked_bytes(entry, path, position);
    if (entry.begin != expected_begin || entry.end < entry.begin || entry.end > data_bytes ||
        entry.end - entry.begin != bytes) {
      throw FormatError(path, position,
                        format_text("[io.safetensors] expected tensor {} at data bytes {} + {} of {}, got {} to {}; "
                                    "the file is truncated or damaged",
                                    in_quotes(entry.name), expected_begin, bytes, data_bytes, entry.begin, entry.end));
    }
    expected_begin = entry.end;
  }
  if (expected_begin != data_bytes) {
    throw FormatError(path, header.data_start + expected_begin,
                      format_text("[io.safetensors] expected the end of the file, "
                                  "got {} bytes that belong to no tensor; the file is damaged",
                                  data_bytes - expected_begin));
  }
}

}  // namespace

uint64_t safetensors_dtype_bytes(std::string_view dtype) {
  for (const auto& [name, bytes] : kDtypes) {
    if (dtype == name) return bytes;
  }
  return 0;
}

uint64_t safetensors_header_length(std::string_view prefix, uint64_t file_bytes, const std::string& path) {
  if (file_bytes < kLengthBytes || prefix.size() < kLengthBytes) {
    throw FormatError(path, 0,
                      format_text("[io.safetensors] expected a safetensors file, got one of {} bytes; "
                                  "the file is truncated",
                                  file_bytes));
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<uint64_t>(static_cast<unsigned char>(prefix[i])) << (8 * i);
  }
  const uint64_t available = file_bytes - kLengthBytes;
  if (length > std::min(available, kMaxSafetensorsHeaderBytes)) {
    throw FormatError(path, 0,
                      format_text("[io.safetensors] expected a header of at most {} bytes, got {}; "
                                  "the file is truncated or no safetensors file",
                                  std::min(available, kMaxSafetensorsHeaderBytes), length));
  }
  return length;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t file_bytes, const std::string& path) {
  HeaderReader reader(path);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  SafetensorsHeader header = reader.take();
  header.data_start = kLengthBytes + json.size();
  std::sort(header.entries.begin(), header.entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  check_offsets(header, file_bytes - header.data_start, path);
  return header;
}

std::string make_safetensors_header(const std::vector<TensorEntry>& entries,
                                    const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  for (const TensorEntry& entry : entries) {
    json[entry.name] = {{"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::type_error& error) {
    throw ValueError(std::string("[io.safetensors] expected names and metadata in UTF-8, got ") + error.what());
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  std::string length;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length += static_cast<char>((text.size() >> (8 * i)) & 255);
  }
  return length + text;
}

}  // namespace noisescope::io
