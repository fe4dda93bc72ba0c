#include "noisescope/run/replay_reasons.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_file.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/training_starts.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFollow = "threads follow the machine";

/// "threads: 2 in the run from update 0 on, 1 now".
void add_differing_facts(const std::vector<TrainingStart>& starts, const std::map<std::string, std::string>& now,
                         std::vector<std::string>& reasons) {
  for (const auto& [name, value] : now) {
    if (name == kFollow) continue;
    std::string last = value;
    for (const TrainingStart& start : starts) {
      const auto found = start.facts.find(name);
      const std::string then = found == start.facts.end() ? "not noted" : found->second;
      if (then != last && then != value) {
        reasons.push_back(
            format_text("{}: {} in the run from update {} on, {} now", name, then, start.before.step, value));
      }
      last = then;
    }
  }
}

void add_clock_reasons(const RunFolder& folder, const RunConfig& config, std::vector<std::string>& reasons) {
  if (parse_budget(config.train.budget).unit == BudgetUnit::seconds) {
    reasons.push_back(
        "train.budget " + config.train.budget +
        " counts seconds: as many pictures were seen again, but the learning rate had followed the clock");
  }
  if (!config.clip_folder.empty() || config.clip_train.seconds <= 0) return;
  reasons.push_back(clip_steps(folder)
                        ? "clip_train.seconds counts seconds: as many pictures were seen again, but the learning rate "
                          "had followed the clock"
                        : "clip_train.seconds counts seconds, and an older version did not note how many steps they "
                          "gave");
}

}  // namespace

std::optional<int64_t> clip_steps(const RunFolder& folder) {
  if (!std::filesystem::exists(folder.clip_report())) return std::nullopt;
  const auto report = read_json_file(folder.clip_report());
  if (!report.contains("training")) return std::nullopt;
  return report.at("training").at("steps").get<int64_t>();
}

std::vector<std::string> reasons_to_differ(const RunFolder& folder, torch::Device device) {
  const RunConfig config = stored_run_config(folder);
  const std::vector<TrainingStart> starts = load_starts(folder);
  std::vector<std::string> reasons;
  if (starts.empty()) {
    reasons.emplace_back("starts.json is not there: an older version did not note threads, processor and torch");
  }
  add_differing_facts(starts, facts_of_numbers(device), reasons);
  const bool followed = std::any_of(starts.begin(), starts.end(), [](const TrainingStart& start) {
    return start.facts.contains(kFollow) && start.facts.at(kFollow) == "yes" && start.facts.at("threads") != "1";
  });
  if (followed) {
    reasons.emplace_back(
        "threads followed the machine: while they were fewer, sums were made in another order; --threads N fixes them");
  }
  add_clock_reasons(folder, config, reasons);
  if (!config.start_from.empty()) {
    reasons.push_back("it started from " + config.start_from + ", which may have changed since");
  }
  return reasons;
}

}  // namespace noisescope::run
