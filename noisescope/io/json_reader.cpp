#include "noisescope/io/json_reader.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

constexpr int kMaxDepth = 64;  // copies and messages take one stack frame a level

}  // namespace

void JsonReader::refuse(const std::string& what, uint64_t byte) const {
  throw FormatError(path, byte, "[" + function + "] " + what);
}

JsonReader::Json JsonReader::parse(std::string_view text) const {
  const auto check_depth = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) refuse(format_text("expected at most {} levels, got more", kMaxDepth));
    return true;
  };
  try {
    Json json = Json::parse(text, check_depth);
    if (!json.is_object()) refuse("expected a JSON object");
    return json;
  } catch (const Json::parse_error& error) {
    refuse(std::string("expected JSON in UTF-8; ") + error.what(), error.byte);
  } catch (const Json::out_of_range& error) {  // a number beyond all doubles
    refuse(std::string("expected JSON in UTF-8; ") + error.what());
  }
}

const JsonReader::Json& JsonReader::member(const Json& object, const char* key) const {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) {
    refuse(std::string("expected an object with '") + key + "', got none");
  }
  return *found;
}

const JsonReader::Json* JsonReader::find(const Json& object, const char* key) const {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end() || found->is_null()) return nullptr;
  return &*found;
}

std::string JsonReader::text(const Json& value, const char* what) const {
  if (!value.is_string()) refuse(std::string("expected a string as ") + what);
  return value.get<std::string>();
}

bool JsonReader::boolean(const Json& value, const char* what) const {
  if (!value.is_boolean()) refuse(std::string("expected true or false as ") + what);
  return value.get<bool>();
}

double JsonReader::number(const Json& value, const char* what) const {
  if (!value.is_number()) refuse(std::string("expected a number as ") + what);
  return value.get<double>();
}

int64_t JsonReader::integer(const Json& value, const char* what) const {
  if (!value.is_number_integer()) refuse(std::string("expected an integer as ") + what);
  if (value.is_number_unsigned() && value.get<uint64_t>() > (uint64_t{1} << 62)) {
    refuse(std::string("expected a smaller number as ") + what);
  }
  return value.get<int64_t>();
}

}  // namespace noisescope::io
