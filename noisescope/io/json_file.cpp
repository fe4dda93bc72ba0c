#include "noisescope/io/json_file.h"

#include "noisescope/io/file.h"

namespace noisescope::io {

nlohmann::ordered_json read_json_file(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw FormatError(path.string(), error.byte, std::string("expected JSON, got ") + error.what());
  }
}

}  // namespace noisescope::io
