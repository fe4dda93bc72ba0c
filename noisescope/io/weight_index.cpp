#include "noisescope/io/weight_index.h"

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 8;

[[noreturn]] void refuse(const std::string& path, const std::string& what, uint64_t byte = 0) {
  throw FormatError(path, byte, "[io.parse_weight_index] expected " + what);
}

std::string shown(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace).substr(0, 80);
}

bool is_plain_name(const std::string& name) {
  return name.size() > std::string_view(".safetensors").size() && name.size() <= 255 &&
         name.ends_with(".safetensors") && name.front() != '.' &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

}  // namespace

std::map<std::string, std::string> parse_weight_index(std::string_view json, const std::string& path) {
  const auto check_depth = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) refuse(path, format_text("at most {} levels, got more", kMaxDepth));
    return true;
  };
  Json root;
  try {
    root = Json::parse(json, check_depth);
  } catch (const Json::parse_error& error) {
    refuse(path, std::string("JSON; ") + error.what(), error.byte);
  } catch (const Json::out_of_range& error) {  // a number beyond all doubles
    refuse(path, std::string("JSON; ") + error.what());
  }
  const auto found = root.is_object() ? root.find("weight_map") : root.end();
  if (!root.is_object() || found == root.end() || !found->is_object() || found->empty()) {
    refuse(path, "an object 'weight_map' with tensors, got none");
  }
  std::map<std::string, std::string> files;
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string() || !is_plain_name(value.get<std::string>())) {
      refuse(path, format_text("the name of a .safetensors file beside the index for {}, got {}", shown(Json(name)),
                               shown(value)));
    }
    files.emplace(name, value.get<std::string>());
  }
  return files;
}

}  // namespace noisescope::io
