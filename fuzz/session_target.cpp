// What the page in one file asks its own engine: changes and options as JSON.
#include <cstdint>
#include <string_view>

#include "noisescope/core/error.h"
#include "noisescope/live/session_request.h"

namespace noisescope {
namespace {

using Json = nlohmann::ordered_json;

void read_a_change(const Json& body) {
  RequestFields fields(body, "a change");
  fields.text("prompt");
  live::read_change(fields);
  fields.finish();
  live::change_text(body, "a red disc");
}

void read_fields(const Json& body) {
  RequestFields fields(body, "a request");
  fields.whole("seed", 0, 0, kLargestSeed);
  fields.text("prompt");
  fields.texts("words");
  fields.number("from");
  fields.finish();
}

template <class Read>
void attempt_read(const Read& read) {
  try {
    read();
  } catch (const ValueError&) {
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Json body = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return 0;
  attempt_read([&] { read_a_change(body); });
  attempt_read([&] { read_fields(body); });
  attempt_read([&] { live::settings_with({}, body); });
  return 0;
}
