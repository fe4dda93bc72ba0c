// What the page asks for, read from JSON and checked: nothing unknown, nothing of another type, nothing out of range.
// Throws ValueError that says what was expected.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/model/sampling_options.h"

namespace noisescope::studio {

using Json = nlohmann::ordered_json;

/// How much a page may ask for.
struct Limits {
  int64_t branches = 200;
  int64_t pictures = 16;                           // of a branch
  int64_t steps = 250;                             // of a branch
  int64_t waiting = 32;                            // jobs
  int64_t text = 2000;                             // bytes of a prompt
  int64_t bytes = int64_t{1} << 30;                // of the steps of all branches
  std::vector<int64_t> image_shape = {3, 32, 32};  // of the model
};

/// Pixels [x, x + width) x [y, y + height).
struct Box {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// A first branch.
struct DrawRequest {
  std::string prompt, negative_prompt;
  uint64_t seed = 0;
  int64_t pictures = 1;
  SamplingOptions sample;
};

/// A branch of a branch: what is different from state `step` on.
struct ChangeRequest {
  struct Noise {
    Box box;
    uint64_t seed = 0;
  };
  struct Move {
    Box box;
    int64_t x = 0, y = 0;  // where its upper left corner goes
  };
  struct Swap {
    Box box;
    int64_t picture = 0, of = 0;
  };
  int64_t step = 0;
  std::optional<std::string> prompt = {};
  std::optional<double> guidance = {};
  std::optional<std::array<double, 2>> window = {};  // of guidance, log-SNR
  std::optional<Noise> noise = {};
  std::optional<Move> move = {};
  std::optional<Swap> swap = {};
  std::optional<uint64_t> remaining_seed = {};
  std::optional<uint64_t> turn_seed = {};  // U-turn with this seed
};

/// A change at several steps, or without one guidance at several scales.
struct SweepRequest {
  std::optional<ChangeRequest> change;  // its own step does not count
  std::vector<double> at;               // steps or scales
};

/// What a method or "why" is asked with.
struct Question {
  int64_t picture = 0;
  std::vector<std::string> methods;  // empty: all
  Json settings = Json::object();    // {option: value} of the one method
  std::vector<std::string> words, alternatives;
  int64_t paths = 8, pictures = 16;
};

DrawRequest read_draw(const Json& body, const SamplingOptions& defaults, const Limits& limits);
/// `side`: pixels a side of the pictures; `pictures` of the parent, `steps` of its run.
ChangeRequest read_change(const Json& body, const Limits& limits, int64_t side, int64_t pictures, int64_t steps);
/// `first`: the first step that can be changed. Without "steps": all of them, at most 24, evenly spread.
SweepRequest read_sweep(const Json& body, const Limits& limits, int64_t side, int64_t pictures, int64_t first,
                        int64_t steps);
Question read_question(const Json& body, int64_t pictures);

/// What "emergence" is asked with: {"prompt", "word"}.
struct EmergenceRequest {
  std::string prompt, word;
};
EmergenceRequest read_emergence(const Json& body, const Limits& limits);

/// {"name": text}: at most 80 bytes.
std::string read_name(const Json& body);
/// {"prompt": text}.
std::string read_prompt(const Json& body, const Limits& limits);

}  // namespace noisescope::studio
