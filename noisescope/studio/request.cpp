#include "noisescope/studio/request.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/config.h"

namespace noisescope::studio {
namespace {

constexpr double kMostGuidance = 100;

/// The fields of one JSON object, each asked for once; what nobody asked for is refused.
class Fields {
 public:
  Fields(const Json& body, const char* of) : body_(body), of_(of) {
    if (!body.is_object())
      throw ValueError(format_text("[studio] expected an object as {}, got {}", of, short_of(body)));
  }

  bool has(const char* name) {
    asked_.emplace_back(name);
    return body_.contains(name) && !body_.at(name).is_null();
  }
  std::string text(const char* name, const std::string& otherwise, int64_t most) {
    if (!has(name)) return otherwise;
    const Json& value = body_.at(name);
    if (!value.is_string()) throw refusal(name, "a text");
    auto text = value.get<std::string>();
    if (static_cast<int64_t>(text.size()) > most) throw refusal(name, format_text("a text of at most {} bytes", most));
    return text;
  }
  int64_t whole(const char* name, int64_t otherwise, int64_t least, int64_t most) {
    if (!has(name)) return otherwise;
    const Json& value = body_.at(name);
    const bool fits = value.is_number_unsigned() ? value.get<uint64_t>() <= static_cast<uint64_t>(most)
                                                 : value.is_number_integer() && value.get<int64_t>() <= most;
    if (!fits || value.get<int64_t>() < least)
      throw refusal(name, format_text("a whole number from {} to {}", least, most));
    return value.get<int64_t>();
  }
  uint64_t seed(const char* name, uint64_t otherwise) {
    return static_cast<uint64_t>(whole(name, static_cast<int64_t>(otherwise), 0, int64_t{1} << 53));
  }
  double number(const char* name, double least, double most) {
    const Json& value = body_.at(name);
    if (!value.is_number() || !(value.get<double>() >= least) || !(value.get<double>() <= most)) {
      throw refusal(name, format_text("a number from {} to {}", least, most));
    }
    return value.get<double>();
  }
  std::vector<std::string> texts(const char* name) {
    constexpr size_t kMost = 256, kLongest = 200;
    if (!has(name)) return {};
    const Json& value = body_.at(name);
    const auto is_text = [&](const Json& item) {
      return item.is_string() && item.get_ref<const std::string&>().size() <= kLongest;
    };
    if (!value.is_array() || value.size() > kMost || !std::all_of(value.begin(), value.end(), is_text)) {
      throw refusal(name, format_text("a list of at most {} texts of at most {} bytes", kMost, kLongest));
    }
    return value.get<std::vector<std::string>>();
  }
  std::vector<int64_t> wholes(const char* name, size_t count, int64_t most) {
    const Json& value = has(name) ? body_.at(name) : Json();
    const auto fits = [&](const Json& item) {
      return item.is_number_integer() && item.get<int64_t>() >= 0 && item.get<int64_t>() <= most;
    };
    if (!value.is_array() || value.size() != count || !std::all_of(value.begin(), value.end(), fits)) {
      throw refusal(name, format_text("{} whole numbers from 0 to {}", count, most));
    }
    return value.get<std::vector<int64_t>>();
  }
  const Json& object(const char* name) {
    const Json& value = body_.at(name);
    if (!value.is_object()) throw refusal(name, "an object");
    return value;
  }
  /// Refuses fields that were never asked for.
  void finish() const {
    for (const auto& [name, value] : body_.items()) {
      if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
      throw ValueError(
          format_text("[studio] expected no field {} in {}; there are {}", in_quotes(name), of_, join(asked_)));
    }
  }

 private:
  static std::string short_of(const Json& value) {
    return in_quotes(value.dump(-1, ' ', true, Json::error_handler_t::replace));
  }
  ValueError refusal(const char* name, const std::string& expected) const {
    return ValueError(format_text("[studio] expected {} as '{}' of {}, got {}", expected, std::string(name),
                                  std::string(of_), short_of(body_.contains(name) ? body_.at(name) : Json())));
  }

  const Json& body_;
  const char* of_;
  std::vector<std::string> asked_;
};

Box read_box(Fields& fields, int64_t side) {
  const std::vector<int64_t> box = fields.wholes("box", 4, side);
  if (box[2] < 1 || box[3] < 1 || box[0] + box[2] > side || box[1] + box[3] > side) {
    throw ValueError(
        format_text("[studio] expected a box [x, y, width, height] inside {} x {} pixels, got [{}, {}, {}, {}]", side,
                    side, box[0], box[1], box[2], box[3]));
  }
  return {box[0], box[1], box[2], box[3]};
}

ChangeRequest::Noise read_noise(const Json& body, int64_t side) {
  Fields fields(body, "noise");
  const ChangeRequest::Noise noise{read_box(fields, side), fields.seed("seed", 1)};
  fields.finish();
  return noise;
}

ChangeRequest::Move read_move(const Json& body, int64_t side) {
  Fields fields(body, "move");
  const Box box = read_box(fields, side);
  const std::vector<int64_t> to = fields.wholes("to", 2, side);
  fields.finish();
  if (to[0] + box.width > side || to[1] + box.height > side) {
    throw ValueError(format_text("[studio] expected the box to stay inside {} x {} pixels, got it at [{}, {}]", side,
                                 side, to[0], to[1]));
  }
  return {box, to[0], to[1]};
}

ChangeRequest::Swap read_swap(const Json& body, int64_t side, int64_t pictures) {
  Fields fields(body, "swap");
  ChangeRequest::Swap swap{read_box(fields, side), fields.whole("picture", 0, 0, pictures - 1),
                           fields.whole("of", 0, 0, pictures - 1)};
  fields.finish();
  if (swap.picture == swap.of) {
    throw ValueError(format_text("[studio] expected two pictures of the branch to swap noise, got {} twice", swap.of));
  }
  return swap;
}

/// Dotted options over the defaults.
SamplingOptions read_sample(const Json& options, SamplingOptions sample) {
  ConfigNode tree;
  tree.kind = ConfigNode::Kind::map;
  for (const auto& [name, value] : options.items()) set_dotted(tree, name, config_from_json(value, "options"));
  read_options_into(tree, sample);
  return sample;
}

struct NumbersRange {
  size_t most = 0;  // of them
  double low = 0, high = 0;
};

std::vector<double> read_numbers(const Json& list, const char* name, const NumbersRange& range) {
  const auto fits = [&](const Json& item) {
    return item.is_number() && item.get<double>() >= range.low && item.get<double>() <= range.high;
  };
  if (!list.is_array() || list.empty() || list.size() > range.most || !std::all_of(list.begin(), list.end(), fits)) {
    throw ValueError(format_text("[studio] expected 1 to {} numbers from {} to {} as '{}' of a sweep", range.most,
                                 range.low, range.high, std::string(name)));
  }
  return list.get<std::vector<double>>();
}

void check_is_one_change(const ChangeRequest& change) {
  const int of_noise = int(change.noise.has_value()) + int(change.move.has_value()) + int(change.swap.has_value()) +
                       int(change.turn_seed.has_value());
  if (of_noise > 1)
    throw ValueError("[studio] expected one of noise, move, swap and turn, got several; branch again for the next");
  const bool is_any = of_noise || change.prompt || change.guidance || change.remaining_seed;
  if (!is_any) {
    throw ValueError(
        "[studio] expected something to change: prompt, guidance, noise, move, swap, remaining_seed or turn");
  }
  if (change.window && !change.guidance)
    throw ValueError("[studio] expected guidance with its window, got the window alone");
}

}  // namespace

DrawRequest read_draw(const Json& body, const SamplingOptions& defaults, const Limits& limits) {
  Fields fields(body, "a drawing");
  DrawRequest request;
  request.prompt = fields.text("prompt", "", limits.text);
  request.negative_prompt = fields.text("negative_prompt", "", limits.text);
  request.seed = fields.seed("seed", 0);
  request.pictures = fields.whole("pictures", 1, 1, limits.pictures);
  request.sample = fields.has("options") ? read_sample(fields.object("options"), defaults) : defaults;
  fields.finish();
  if (request.sample.grid.steps > limits.steps) {
    throw ValueError(format_text("[studio] expected at most {} steps, got {}; 'noisescope sample' takes more",
                                 limits.steps, request.sample.grid.steps));
  }
  return request;
}

ChangeRequest read_change(const Json& body, const Limits& limits, int64_t side, int64_t pictures, int64_t steps) {
  constexpr double kMostLogSnr = 100;
  Fields fields(body, "a change");
  ChangeRequest change;
  change.step = fields.whole("step", 0, 0, steps - 1);
  if (fields.has("prompt")) change.prompt = fields.text("prompt", "", limits.text);
  if (fields.has("guidance")) change.guidance = fields.number("guidance", -kMostGuidance, kMostGuidance);
  if (fields.has("window")) {
    const Json& window = body.at("window");
    const bool fits = window.is_array() && window.size() == 2 && window[0].is_number() && window[1].is_number() &&
                      std::abs(window[0].get<double>()) <= kMostLogSnr &&
                      std::abs(window[1].get<double>()) <= kMostLogSnr &&
                      window[0].get<double>() <= window[1].get<double>();
    if (!fits) throw ValueError("[studio] expected a window [low, high] of log-SNR");
    change.window = {window[0].get<double>(), window[1].get<double>()};
  }
  if (fields.has("noise")) change.noise = read_noise(body.at("noise"), side);
  if (fields.has("move")) change.move = read_move(body.at("move"), side);
  if (fields.has("swap")) change.swap = read_swap(body.at("swap"), side, pictures);
  if (fields.has("remaining_seed")) change.remaining_seed = fields.seed("remaining_seed", 0);
  const uint64_t seed = fields.seed("seed", 1);
  if (fields.has("turn") && body.at("turn") == true) change.turn_seed = seed;
  fields.finish();
  check_is_one_change(change);
  return change;
}

SweepRequest read_sweep(const Json& body, const Limits& limits, int64_t side, int64_t pictures, int64_t first,
                        int64_t steps) {
  constexpr size_t kMost = 64;
  constexpr int64_t kMany = 24;
  Fields fields(body, "a sweep");
  SweepRequest request;
  if (fields.has("change")) {
    Json change = fields.object("change");
    change["step"] = first;
    request.change = read_change(change, limits, side, pictures, steps);
  }
  const bool has_steps = fields.has("steps"), has_scales = fields.has("guidance");
  fields.finish();
  if (request.change.has_value() == has_scales || (has_steps && has_scales)) {
    throw ValueError("[studio] expected a sweep of a change over steps, or of guidance over scales, not both");
  }
  if (has_scales) request.at = read_numbers(body.at("guidance"), "guidance", {kMost, -kMostGuidance, kMostGuidance});
  if (has_steps) request.at = read_numbers(body.at("steps"), "steps", {kMost, double(first), double(steps - 1)});
  for (const double step : has_steps ? request.at : std::vector<double>{}) {
    if (step != std::floor(step)) throw ValueError("[studio] expected whole numbers as 'steps' of a sweep");
  }
  if (!has_scales && !has_steps) {
    const int64_t count = std::min(kMany, steps - first);
    for (int64_t k = 0; k < count; ++k) request.at.push_back(static_cast<double>(first + k * (steps - first) / count));
  }
  return request;
}

Question read_question(const Json& body, int64_t pictures) {
  Fields fields(body, "a question");
  Question question;
  question.picture = fields.whole("picture", 0, 0, pictures - 1);
  question.methods = fields.texts("methods");
  const std::string method = fields.text("method", "", 100);
  if (!method.empty()) question.methods = {method};
  if (fields.has("settings")) question.settings = fields.object("settings");
  question.words = fields.texts("words");
  question.alternatives = fields.texts("alternatives");
  question.paths = fields.whole("paths", 8, 2, 256);
  question.pictures = fields.whole("pictures", 16, 2, 256);
  fields.finish();
  return question;
}

EmergenceRequest read_emergence(const Json& body, const Limits& limits) {
  Fields fields(body, "a question about the training");
  EmergenceRequest request{fields.text("prompt", "", limits.text), fields.text("word", "", limits.text)};
  fields.finish();
  return request;
}

std::string read_name(const Json& body) {
  Fields fields(body, "a name");
  std::string name = fields.text("name", "", 80);
  fields.finish();
  return name;
}

std::string read_prompt(const Json& body, const Limits& limits) {
  Fields fields(body, "a prompt");
  std::string prompt = fields.text("prompt", "", limits.text);
  fields.finish();
  return prompt;
}

}  // namespace noisescope::studio
