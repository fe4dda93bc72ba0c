// Range-checked access to one object of a CLIP configuration file, over JsonReader. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/io/json_reader.h"

namespace noisescope::io {

/// One JSON object of a file. Every refusal is a FormatError that names file and key.
class JsonFields {
 public:
  /// Parses a document as JsonReader::parse does.
  static JsonFields parse(std::string_view text, const std::string& path);

  JsonFields(JsonReader reader, nlohmann::json object) : reader_(std::move(reader)), object_(std::move(object)) {}

  const std::string& path() const { return reader_.path; }
  const nlohmann::json& object() const { return object_; }

  /// Throws "[clip.read_clip_config] expected <what>".
  [[noreturn]] void refuse(const std::string& what) const;

  /// nullptr where the key is missing or null.
  const nlohmann::json* find(const char* key) const;
  const nlohmann::json& at(const char* key) const;

  int64_t integer(const char* key, int64_t min, int64_t max) const;
  int64_t integer_or(const char* key, int64_t otherwise, int64_t min, int64_t max) const;
  /// `value` of the list or object under `key`.
  int64_t checked_integer(const char* key, const nlohmann::json& value, int64_t min, int64_t max) const;
  double number_or(const char* key, double otherwise, double min, double max) const;
  std::string text(const char* key) const;
  /// As many numbers as `otherwise` has.
  std::vector<double> numbers_or(const char* key, const std::vector<double>& otherwise) const;
  /// A side of squares: an integer, or a list of two equal ones.
  int64_t side(const char* key, int64_t min, int64_t max) const;
  JsonFields section(const char* key) const;

 private:
  JsonReader reader_;
  nlohmann::json object_;
};

}  // namespace noisescope::io
