#include "noisescope/io/json_fields.h"

#include <algorithm>
#include <utility>

#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

using Json = nlohmann::json;

/// For messages: a hostile value must not become a hostile message.
std::string shown(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace).substr(0, 80);
}

}  // namespace

JsonFields JsonFields::parse(std::string_view text, const std::string& path) {
  JsonReader reader{path, "clip.read_clip_config"};
  Json json = reader.parse(text);
  return {std::move(reader), std::move(json)};
}

void JsonFields::refuse(const std::string& what) const { reader_.refuse("expected " + what); }

const Json* JsonFields::find(const char* key) const { return reader_.find(object_, key); }

const Json& JsonFields::at(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) refuse(std::string("the key '") + key + "', got none");
  return *value;
}

int64_t JsonFields::checked_integer(const char* key, const Json& value, int64_t min, int64_t max) const {
  const bool fits =
      value.is_number_integer() && !(value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{1} << 62);
  const int64_t result = fits ? value.get<int64_t>() : 0;
  if (!fits || result < min || result > max) {
    refuse(format_text("'{}' as an integer of {} to {}, got {}", key, min, max, shown(value)));
  }
  return result;
}

int64_t JsonFields::integer(const char* key, int64_t min, int64_t max) const {
  return checked_integer(key, at(key), min, max);
}

int64_t JsonFields::integer_or(const char* key, int64_t otherwise, int64_t min, int64_t max) const {
  const Json* value = find(key);
  return value == nullptr ? otherwise : checked_integer(key, *value, min, max);
}

double JsonFields::number_or(const char* key, double otherwise, double min, double max) const {
  const Json* value = find(key);
  if (value == nullptr) return otherwise;
  const double result = value->is_number() ? value->get<double>() : min - 1;
  if (!(result >= min && result <= max)) {
    refuse(format_text("'{}' as a number of {} to {}, got {}", key, Json(min).dump(), Json(max).dump(), shown(*value)));
  }
  return result;
}

std::string JsonFields::text(const char* key) const {
  const Json& value = at(key);
  if (!value.is_string()) refuse(format_text("'{}' as text, got {}", key, shown(value)));
  return value.get<std::string>();
}

std::vector<double> JsonFields::numbers_or(const char* key, const std::vector<double>& otherwise) const {
  const Json* value = find(key);
  if (value == nullptr) return otherwise;
  const auto is_number = [](const Json& item) { return item.is_number(); };
  if (!value->is_array() || value->size() != otherwise.size() ||
      !std::all_of(value->begin(), value->end(), is_number)) {
    refuse(format_text("'{}' as a list of {} numbers, got {}", key, otherwise.size(), shown(*value)));
  }
  return value->get<std::vector<double>>();
}

int64_t JsonFields::side(const char* key, int64_t min, int64_t max) const {
  const Json& value = at(key);
  if (!value.is_array()) return checked_integer(key, value, min, max);
  if (value.size() != 2 || value[0] != value[1]) {
    refuse(format_text("'{}' as one side of squares, got {}", key, shown(value)));
  }
  return checked_integer(key, value[0], min, max);
}

JsonFields JsonFields::section(const char* key) const {
  const Json& value = at(key);
  if (!value.is_object()) refuse(format_text("'{}' as an object, got {}", key, shown(value)));
  return {reader_, value};
}

}  // namespace noisescope::io
