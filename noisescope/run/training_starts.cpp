#include "noisescope/run/training_starts.h"

#include <set>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/train/checkpoint.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const TrainingStart& start) {
  return {{"step", start.before.step},
          {"finished", start.before.finished},
          {"budget", start.budget},
          {"facts", start.facts}};
}

TrainingStart start_of(const ordered_json& json) {
  return {{json.at("step").get<int64_t>(), json.at("finished").get<bool>()},
          json.at("budget").get<std::string>(),
          json.at("facts").get<std::map<std::string, std::string>>()};
}

}  // namespace

std::map<std::string, std::string> facts_of_numbers(torch::Device device) {
  static const std::set<std::string> kNames = {
      "noisescope", "torch", "compiler", "processor", "cpu capability", "threads", "threads follow the machine",
      "openmp"};
  std::map<std::string, std::string> facts = {{"device", device.str()}};
  for (const auto& [name, value] : machine_facts()) {
    if (!kNames.contains(name)) continue;
    // A library by its name: where it lies is no matter of numbers.
    facts[name] = name == "openmp" ? std::filesystem::path(value).filename().string() : value;
  }
  return facts;
}

void record_start(const RunFolder& folder, const std::string& budget, torch::Device device) {
  std::vector<TrainingStart> starts = load_starts(folder);
  const TrainingStart now{reached_by(folder), budget, facts_of_numbers(device)};
  if (!starts.empty() && starts.back().budget == now.budget && starts.back().facts == now.facts) return;
  starts.push_back(now);
  ordered_json json = ordered_json::array();
  for (const TrainingStart& start : starts) json.push_back(to_json(start));
  write_file_atomic(folder.starts(), json.dump(2));
}

std::vector<TrainingStart> load_starts(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.starts())) return {};
  std::vector<TrainingStart> starts;
  try {
    for (const ordered_json& json : ordered_json::parse(read_file(folder.starts()))) starts.push_back(start_of(json));
  } catch (const ordered_json::exception& error) {
    throw FormatError("[run.load_starts] expected the starts of a training in " + folder.starts().string() + ", got " +
                      error.what() + "; delete it, and a replay knows less of how the run came to be");
  }
  return starts;
}

Reached reached_by(const RunFolder& folder) {
  for (const std::filesystem::path& checkpoint : list_checkpoints(folder.root / "checkpoints")) {
    if (!checkpoint_problem(checkpoint).empty()) continue;
    const auto state = ordered_json::parse(read_file(checkpoint / "state.json"));
    return {state.at("step").get<int64_t>(), state.at("finished").get<bool>()};
  }
  return {};
}

}  // namespace noisescope::run
