// What a page asks for, read from JSON: other types and unknown members are refused with what was expected.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/live/drawing.h"

namespace noisescope::live {

/// The members of a request. Each is read once; finish() refuses those that nobody read.
class RequestFields {
 public:
  using Json = nlohmann::ordered_json;

  /// Throws ValueError where `json` is no object; `what` names it in messages.
  RequestFields(const Json& json, std::string what);

  bool has(const std::string& key) const { return json_->contains(key); }
  int64_t whole(const std::string& key, int64_t missing, int64_t least, int64_t most);
  double number(const std::string& key);
  std::string text(const std::string& key, const std::string& missing = "");
  std::vector<std::string> texts(const std::string& key);
  const Json& member(const std::string& key);
  void finish() const;

 private:
  [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;

  const Json* json_;
  std::string what_;
  std::vector<std::string> read_;
};

inline constexpr int64_t kLargestSeed = int64_t{1} << 53;  // JSON's whole numbers

/// Settings with some options changed: {"grid.steps": 20}.
SamplingSettings settings_with(const SamplingSettings& defaults, const nlohmann::ordered_json& options);

/// A change of /api/branches/ID/change, its prompt aside. Throws ValueError.
DrawingChange read_change(RequestFields& fields);

/// "guidance 4, U-turn, seed 3 from step 6"
std::string change_text(const nlohmann::ordered_json& request, const std::string& prompt_before);

}  // namespace noisescope::live
