// Typed access to JSON files from outside; every refusal names file and key, or file and byte.
// No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// For the files of one folder or one program: `path` and `function` are for messages.
struct JsonReader {
  using Json = nlohmann::json;  // its objects are maps: vocabularies are large

  std::string path;
  std::string function;

  /// Throws FormatError "<path>, byte <byte>: [<function>] <what>".
  [[noreturn]] void refuse(const std::string& what, uint64_t byte = 0) const;

  /// An object, or FormatError: also for more than 64 levels and for numbers beyond all doubles.
  Json parse(std::string_view text) const;

  /// The member `key`; FormatError if there is none.
  const Json& member(const Json& object, const char* key) const;

  /// The member `key`, or nullptr if there is none or it is null.
  const Json* find(const Json& object, const char* key) const;

  /// FormatError unless of this type; `what` names the key.
  std::string text(const Json& value, const char* what) const;
  bool boolean(const Json& value, const char* what) const;
  double number(const Json& value, const char* what) const;
  int64_t integer(const Json& value, const char* what) const;
};

}  // namespace noisescope::io
