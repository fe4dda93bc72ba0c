#include "noisescope/live/engine.h"

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "noisescope/live/session.h"

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

/// One page, one model.
struct Engine {
  std::unique_ptr<LiveSession> session;
  std::string answer;
};

Engine& engine() {
  static Engine only;
  return only;
}

/// The memory of noisescope_room, freed at the end.
using Room = std::unique_ptr<char, decltype(&std::free)>;

Json answered(std::string_view text) {
  if (!engine().session) return {{"error", "expected a model to be loaded first, got none"}};
  try {
    Json request = Json::parse(text);
    const std::string what = request.at("call").get<std::string>();
    request.erase("call");
    return engine().session->call(what, request);
  } catch (const std::exception& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace
}  // namespace noisescope::live

using noisescope::live::engine;

extern "C" {

void* noisescope_room(uint32_t bytes) { return std::malloc(bytes); }

const char* noisescope_load(char* file, uint32_t bytes) {
  const noisescope::live::Room room(file, &std::free);
  auto& [session, answer] = engine();
  try {
    session = std::make_unique<noisescope::live::LiveSession>(std::string_view(file, bytes));
    answer.clear();
  } catch (const std::exception& error) {
    session.reset();
    answer = error.what();
  }
  return answer.c_str();
}

const char* noisescope_call(char* request, uint32_t bytes) {
  const noisescope::live::Room room(request, &std::free);
  engine().answer = noisescope::live::answered({request, bytes})
                        .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return engine().answer.c_str();
}

const char* noisescope_bytes() { return engine().session ? engine().session->bytes().data() : nullptr; }

uint32_t noisescope_bytes_length() {
  return engine().session ? static_cast<uint32_t>(engine().session->bytes().size()) : 0;
}

}  // extern "C"
