// Bodies of the studio's requests: whatever JSON comes, it is refused or what it says lies within the limits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "noisescope/core/error.h"
#include "noisescope/studio/request.h"

namespace noisescope {
namespace {

constexpr int64_t kSide = 32, kPictures = 4, kSteps = 20;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_box(const Box& box) {
  require(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0);
  require(box.x + box.width <= kSide && box.y + box.height <= kSide);
}

void check_draw(const studio::Json& body, const Limits& limits) {
  const DrawRequest request = read_draw(body, {}, limits);
  require(request.pictures >= 1 && request.pictures <= limits.pictures);
  require(static_cast<int64_t>(request.prompt.size()) <= limits.text);
  require(request.sample.grid.steps >= 1 && request.sample.grid.steps <= limits.steps);
}

void check_change(const studio::Json& body, const Limits& limits) {
  const ChangeRequest change = read_change(body, limits, kSide, kPictures, kSteps);
  require(change.step >= 0 && change.step < kSteps);
  if (change.noise) check_box(change.noise->box);
  if (change.move) {
    check_box(change.move->box);
    check_box({change.move->x, change.move->y, change.move->box.width, change.move->box.height});
  }
  if (change.swap) {
    check_box(change.swap->box);
    require(change.swap->picture < kPictures && change.swap->of < kPictures);
  }
}

void check_question(const studio::Json& body) {
  const Question question = read_question(body, kPictures);
  require(question.picture >= 0 && question.picture < kPictures);
  require(question.paths >= 2 && question.pictures >= 2);
}

/// Runs `read`; a refusal is as good as a result.
template <class Read>
void attempt(const Read& read) {
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
  const studio::Json body = studio::Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return 0;
  const Limits limits;
  attempt([&] { check_draw(body, limits); });
  attempt([&] { check_change(body, limits); });
  attempt([&] { check_question(body); });
  attempt([&] { read_emergence(body, limits); });
  attempt([&] { read_name(body); });
  attempt([&] { read_prompt(body, limits); });
  return 0;
}
