#include "noisescope/run/replay.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <stop_token>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/threads.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_file.h"
#include "noisescope/run/replay_reasons.h"
#include "noisescope/run/train_run.h"
#include "noisescope/run/training_starts.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

/// A part of the training under one budget: to its end, or, where the budget was raised on the way, until `stop_at`.
struct ReplayPhase {
  std::string budget;
  int64_t updates = 0;             // at its end; 0: whatever the budget gives
  std::optional<int64_t> stop_at;  // updates
};

void check_finished(const RunFolder& folder) {
  for (const std::filesystem::path& file : {folder.training(), folder.model(), folder.metrics()}) {
    if (std::filesystem::exists(file)) continue;
    throw ModelError("[run.replay_run] expected a run whose training is finished, got " + folder.root.string() +
                     " without " + file.filename().string() + "; finish it with 'noisescope train --out " +
                     folder.root.string() + "' and its configuration (what 'noisescope convert' made has no training)");
  }
}

/// Refuses data that are gone, or others than those of the run.
void check_same_data(const RunFolder& folder, const RunConfig& config, const Control& control) {
  constexpr const char* kRemedy = "say where they are now: noisescope replay RUN --data PATH";
  const std::string& path = config.data.path;
  if (!std::filesystem::exists(folder.data())) return;  // of an older version
  const ordered_json stored = read_json_file(folder.data());
  const std::string name = stored.value("name", ""), fingerprint = stored.value("fingerprint", "");
  if (!path.empty() && !std::filesystem::exists(path)) {
    throw DataError(
        format_text("[run.replay_run] expected the data of {} ({}, fingerprint {}) at {}, got nothing "
                    "there; {}",
                    folder.root.string(), name, fingerprint, path, kRemedy));
  }
  const std::string found = open_run_data(config, control).dataset->fingerprint();
  if (found == fingerprint) return;
  throw DataError(
      format_text("[run.replay_run] expected the data that {} was trained on, {} with fingerprint {}, got others with "
                  "fingerprint {}{}; {}",
                  folder.root.string(), name, fingerprint, found, path.empty() ? "" : " at " + path, kRemedy));
}

/// How the training came to its end. Seconds are replayed by the updates that they gave.
std::vector<ReplayPhase> phases_of(const RunFolder& folder, const RunConfig& config) {
  if (parse_budget(config.train.budget).unit == BudgetUnit::seconds) {
    const auto steps = read_json_file(folder.training()).at("steps").get<double>();
    return {{to_string(Budget{BudgetUnit::steps, steps}), 0, std::nullopt}};
  }
  std::vector<ReplayPhase> phases;
  for (const TrainingStart& start : load_starts(folder)) {
    if (!phases.empty() && phases.back().budget == start.budget) continue;
    if (!phases.empty()) {
      phases.back().updates = start.before.step;
      if (!start.before.finished) phases.back().stop_at = start.before.step;
    }
    phases.push_back({start.budget, 0, std::nullopt});
  }
  const bool is_known = !phases.empty() && phases.back().budget == config.train.budget;
  return is_known ? phases : std::vector<ReplayPhase>{{config.train.budget, 0, std::nullopt}};
}

/// Whether an earlier call of the replay has left this phase behind.
bool is_over(const ReplayPhase& phase, bool is_last, const Reached& reached) {
  if (is_last) return false;
  if (reached.step != phase.updates) return reached.step > phase.updates;
  return phase.stop_at || reached.finished;
}

void train_phase(RunConfig config, const ReplayPhase& phase, const RunFolder& out, const ReplayRequest& request,
                 const Control& control) {
  config.train.budget = phase.budget;
  std::stop_source stop;
  const std::stop_callback passed_on(control.stop, [&] { stop.request_stop(); });
  TrainRunRequest train;
  train.device = request.device;
  train.notice = request.notice;
  if (phase.stop_at) {
    train.on_step = [&stop, last = *phase.stop_at](const TrainStep& now) {
      if (now.step >= last) stop.request_stop();
    };
  }
  try {
    train_run(config, out, train, {control.progress, stop.get_token()});
  } catch (const Interrupted&) {
    if (control.stop_requested()) throw;
  }
}

/// The configuration of the run, with its data where they are now, and a budget of its CLIP in seconds as the steps
/// that it gave.
RunConfig replayed_config(const RunFolder& folder, const ReplayRequest& request) {
  RunConfig config = stored_run_config(folder);
  if (!request.data_path.empty()) config.data.path = std::filesystem::absolute(request.data_path).string();
  const auto steps = clip_steps(folder);
  if (config.clip_folder.empty() && config.clip_train.seconds > 0 && steps) {
    config.clip_train.seconds = 0;
    config.clip_train.steps = *steps;
  }
  return config;
}

int64_t threads_of(const RunFolder& folder) {
  const std::vector<TrainingStart> starts = load_starts(folder);
  int64_t threads = 0;
  if (!starts.empty() && starts.back().facts.contains("threads")) {
    const std::string& text = starts.back().facts.at("threads");
    std::from_chars(text.data(), text.data() + text.size(), threads);
  }
  return threads;
}

}  // namespace

bool Replay::is_equal() const {
  return std::all_of(parts.begin(), parts.end(), [](const ReplayedPart& part) { return part.is_equal(); });
}

ordered_json to_json(const Replay& replay) {
  ordered_json json = {{"equal", replay.is_equal()}, {"parts", ordered_json::array()}, {"reasons", replay.reasons}};
  for (const ReplayedPart& part : replay.parts) {
    json["parts"].push_back({{"name", part.name},
                             {"equal", part.is_equal()},
                             {"run", part.run},
                             {"again", part.again},
                             {"difference", part.difference}});
  }
  return json;
}

Replay replay_run(const RunFolder& folder, const ReplayRequest& request, const Control& control) {
  const RunFolder out{request.out.empty() ? folder.replay() : request.out};
  const RunConfig config = replayed_config(folder, request);
  check_finished(folder);
  std::error_code missing;
  if (std::filesystem::equivalent(folder.root, out.root, missing)) {
    throw ValueError("[run.replay_run] expected another folder than that of the run as --out, got " +
                     out.root.string());
  }
  check_same_data(folder, config, control);
  const int64_t threads = request.threads > 0 ? request.threads : threads_of(folder);
  if (threads > 0) fix_threads(threads);
  const std::vector<ReplayPhase> phases = phases_of(folder, config);
  for (size_t i = 0; i < phases.size(); ++i) {
    if (is_over(phases[i], i + 1 == phases.size(), reached_by(out))) continue;
    train_phase(config, phases[i], out, request, control);
  }
  const Replay replay{compare_runs(folder, out), reasons_to_differ(folder, request.device)};
  write_file_atomic(out.root / "replay.json", to_json(replay).dump(2));
  return replay;
}

}  // namespace noisescope::run
