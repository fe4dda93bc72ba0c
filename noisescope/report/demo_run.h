// The main job in one call: train, evaluate, report; what `noisescope demo` and Python do.
#pragma once

#include "noisescope/run/train_run.h"

namespace noisescope::report {

struct DemoRequest {
  TrainRunRequest train = {};
  bool no_animation = false;      // film strips in place of films in the report
  std::string command_line = {};  // as typed
};

/// What `noisescope demo` can train on.
enum class DemoData { world, emoji };
NOISESCOPE_ENUM(DemoData, world, emoji)

/// The settings "key=value" of a demo over the configuration that is embedded in the program (run/run_config.h).
std::vector<std::string> demo_settings(DemoData data);

/// Gives training budgets in time in place of the demo's own, which count images so that the result does not depend on
/// the machine, and draws fewer pictures: the whole demo takes about `seconds` then. Throws ValueError for anything but
/// seconds > 0.
void scale_demo(RunConfig& config, double seconds);

/// What a demo may take on two cores, in seconds.
constexpr double demo_seconds(DataKind kind) { return kind == DataKind::emoji ? 600 : 350; }

/// Trains a run of a two-object world or of emoji in `folder` (going on from what is there), scores it, writes
/// report.html and summary.json, and returns the summary: wall_seconds, train_images, parameters, seed,
/// default_guidance; of a world scene_accuracy by guidance scale and strict_scene_accuracy, of emoji r_precision,
/// family_accuracy, held_out_accuracy, evidence_auc, ... Throws as train_run, evaluate_run and report_run do.
nlohmann::ordered_json demo_run(const RunConfig& config, const RunFolder& folder, const DemoRequest& request,
                                const Control& control = {});

}  // namespace noisescope::report
