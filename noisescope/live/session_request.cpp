#include "noisescope/live/session_request.h"

#include <algorithm>
#include <utility>

#include "noisescope/io/config.h"

namespace noisescope::live {
namespace {

using Json = nlohmann::ordered_json;

PixelBox box_in(RequestFields& fields) {
  const Json& box = fields.member("box");
  const bool fits = box.is_array() && box.size() == 4 &&
                    std::all_of(box.begin(), box.end(), [](const Json& side) { return side.is_number_integer(); });
  if (!fits) throw ValueError("[live] expected a box [x, y, width, height] of whole numbers");
  return {box[0].get<int64_t>(), box[1].get<int64_t>(), box[2].get<int64_t>(), box[3].get<int64_t>()};
}

std::string box_text(const Json& box) {
  return format_text("{} x {} px at ({}, {})", box[2].get<int64_t>(), box[3].get<int64_t>(), box[0].get<int64_t>(),
                     box[1].get<int64_t>());
}

DrawingChange::Noise noise_in(const Json& json) {
  RequestFields fields(json, "new noise");
  const DrawingChange::Noise noise{box_in(fields), static_cast<uint64_t>(fields.whole("seed", 0, 0, kLargestSeed))};
  fields.finish();
  return noise;
}

DrawingChange::Move move_in(const Json& json) {
  RequestFields fields(json, "a move");
  const PixelBox box = box_in(fields);
  const Json& to = fields.member("to");
  if (!to.is_array() || to.size() != 2 || !to[0].is_number_integer() || !to[1].is_number_integer()) {
    throw ValueError("[live] expected a place [x, y] to move to");
  }
  fields.finish();
  return {box, to[0].get<int64_t>(), to[1].get<int64_t>()};
}

DrawingChange::Swap swap_in(const Json& json) {
  RequestFields fields(json, "an exchange");
  const PixelBox box = box_in(fields);
  const int64_t picture = fields.whole("picture", 0, 0, 1000), of = fields.whole("of", 0, 0, 1000);
  fields.finish();
  return {box, picture, of};
}

GuidanceWindow window_in(const Json& window, double scale) {
  if (!window.is_array() || window.size() != 2 || !window[0].is_number() || !window[1].is_number()) {
    throw ValueError("[live] expected a window [low, high] of log-SNR");
  }
  return {window[0].get<double>(), window[1].get<double>(), scale};
}

}  // namespace

RequestFields::RequestFields(const Json& json, std::string what) : json_(&json), what_(std::move(what)) {
  if (!json.is_object()) throw ValueError("[live] expected " + what_ + " as an object");
}

void RequestFields::refuse(const std::string& key, const std::string& wanted) const {
  throw ValueError("[live] expected " + in_quotes(key) + " of " + what_ + " to be " + wanted);
}

int64_t RequestFields::whole(const std::string& key, int64_t missing, int64_t least, int64_t most) {
  read_.push_back(key);
  if (!has(key)) return missing;
  const Json& value = json_->at(key);
  const bool fits = value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() <= most;
  if (!fits) refuse(key, format_text("a whole number from {} to {}", least, most));
  return value.get<int64_t>();
}

double RequestFields::number(const std::string& key) {
  const Json& value = member(key);
  if (!value.is_number()) refuse(key, "a number");
  return value.get<double>();
}

std::string RequestFields::text(const std::string& key, const std::string& missing) {
  constexpr size_t kMostBytes = 2000;
  read_.push_back(key);
  if (!has(key)) return missing;
  const Json& value = json_->at(key);
  if (!value.is_string() || value.get_ref<const std::string&>().size() > kMostBytes) {
    refuse(key, format_text("a text of at most {} bytes", kMostBytes));
  }
  return value.get<std::string>();
}

std::vector<std::string> RequestFields::texts(const std::string& key) {
  read_.push_back(key);
  if (!has(key)) return {};
  const Json& list = json_->at(key);
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const Json& item) { return item.is_string(); })) {
    refuse(key, "a list of texts");
  }
  return list.get<std::vector<std::string>>();
}

const RequestFields::Json& RequestFields::member(const std::string& key) {
  read_.push_back(key);
  if (!has(key)) refuse(key, "there");
  return json_->at(key);
}

void RequestFields::finish() const {
  for (const auto& [key, value] : json_->items()) {
    if (std::find(read_.begin(), read_.end(), key) != read_.end()) continue;
    throw ValueError("[live] expected no " + in_quotes(key) + " of " + what_);
  }
}

SamplingSettings settings_with(const SamplingSettings& defaults, const Json& options) {
  if (!options.is_object()) throw ValueError("[live] expected options as an object");
  ConfigNode root = config_from_json(to_json(defaults), "options");
  for (const auto& [key, value] : options.items()) set_dotted(root, key, config_from_json(value, "options"));
  SamplingSettings settings;
  read_options_into(root, settings);
  return settings;
}

DrawingChange read_change(RequestFields& fields) {
  DrawingChange change;
  change.step = fields.whole("step", 0, 0, 100000);
  if (fields.has("guidance")) {
    const double scale = fields.number("guidance");
    if (fields.has("window")) {
      change.window = window_in(fields.member("window"), scale);
    } else {
      change.scale = scale;
    }
  }
  if (fields.has("noise")) change.noise = noise_in(fields.member("noise"));
  if (fields.has("move")) change.move = move_in(fields.member("move"));
  if (fields.has("swap")) change.swap = swap_in(fields.member("swap"));
  if (fields.has("remaining_seed")) {
    change.remaining_seed = static_cast<uint64_t>(fields.whole("remaining_seed", 0, 0, kLargestSeed));
  }
  const auto seed = static_cast<uint64_t>(fields.whole("seed", 1, 0, kLargestSeed));
  if (fields.has("turn") && fields.member("turn") == true) change.turn_seed = seed;
  const int others = int{change.noise.has_value()} + int{change.move.has_value()} + int{change.swap.has_value()} +
                     int{change.turn_seed.has_value()};
  if (others > 1) throw ValueError("[live] expected one change of the noise at a time, got several");
  return change;
}

std::string change_text(const Json& request, const std::string& prompt_before) {
  std::vector<std::string> parts;
  if (request.contains("prompt")) {
    parts.push_back(format_text("prompt \"{}\" -> \"{}\"", prompt_before, request.at("prompt").get<std::string>()));
  }
  if (request.contains("guidance")) {
    std::string part = format_text("guidance {:.4g}", request.at("guidance").get<double>());
    if (request.contains("window")) {
      part += format_text(" at log-SNR {:.2f} to {:.2f}", request["window"][0].get<double>(),
                          request["window"][1].get<double>());
    }
    parts.push_back(part);
  }
  if (request.contains("noise")) parts.push_back("new noise in " + box_text(request["noise"]["box"]));
  if (request.contains("move")) {
    const Json& move = request["move"];
    parts.push_back("noise of " + box_text(move["box"]) +
                    format_text(" to ({}, {})", move["to"][0].get<int64_t>(), move["to"][1].get<int64_t>()));
  }
  if (request.contains("swap")) parts.push_back("noise of " + box_text(request["swap"]["box"]) + " exchanged");
  if (request.contains("remaining_seed")) {
    parts.push_back(format_text("other remaining noise, seed {}", request["remaining_seed"].get<int64_t>()));
  }
  if (request.contains("turn")) parts.push_back("U-turn");
  return join(parts) + format_text(" from step {}", request.value("step", int64_t{0}));
}

}  // namespace noisescope::live
