// Checkpoints: one folder each, written whole or not at all, verified before use.
//
//   checkpoints/step-00001234/
//     model.safetensors      weights being trained
//     ema.safetensors        their average: what is drawn from
//     optimizer.safetensors  moments
//     state.json             counters and sums
//     manifest.json          format, size and checksum of the four, written last
//
// The resolved configuration stands in the metadata of every safetensors file ("config").
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/diffusion/loss.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/precision.h"

namespace noisescope::train {

/// What a checkpoint holds besides tensors.
struct TrainState {
  int64_t step = 0;           // updates done
  int64_t images = 0;         // images seen
  double seconds = 0;         // of training, over all resumed parts
  int64_t metrics_bytes = 0;  // length of metrics.jsonl: what came later is dropped on resume
  double loss_sum = 0;        // since the last line of metrics, and so are the next two
  double gradient_norm_sum = 0;
  int64_t loss_count = 0;
  double learning_rate = 0;                  // of the last update
  int64_t validations = 0;                   // done so far
  std::optional<NoiseLevelOptions> levels;   // measured (noise_levels.distribution information)
  Precision precision = Precision::float32;  // of the last update
  bool finished = false;                     // the budget is spent and the last validation written
};

nlohmann::ordered_json to_json(const TrainState& state);
TrainState state_from_json(const nlohmann::ordered_json& json);

struct Checkpoint {
  TrainState state;
  NamedTensors model;
  NamedTensors ema;        // Ema::state()
  NamedTensors optimizer;  // Optimizer::state()
};

/// Remarks such as "passed over a damaged checkpoint: ...".
using Notice = std::function<void(const std::string&)>;

/// Writes `<folder>/step-<step>` under a temporary name, syncs, renames; then thins: the newest
/// `keep` stay, and of the older ones the oldest of each octave of age in steps, so that they lie
/// about 1, 2, 4, 8, ... apart. Throws IoError; nothing half-written stays under a final name.
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint, const std::string& config_json,
                     int64_t keep);

/// What tells one run from another.
struct RunIdentity {
  std::string config_json = "{}";      // resolved configuration, stored with the weights
  std::string defaults_json = "{}";    // what keys stand for that a checkpoint of an older version lacks
  std::vector<std::string> free_keys;  // dotted keys that may change between parts of a run
};

/// The newest checkpoint whose manifest and checksums hold; damaged ones are named through `notice`
/// and passed over. Nothing if there is none.
/// Throws ModelError if its configuration is another in keys that are not free, listing them: the
/// folder belongs to another run.
std::optional<Checkpoint> load_latest_checkpoint(const std::filesystem::path& folder, const RunIdentity& run,
                                                 const Notice& notice);

/// Checkpoint folders, newest first, unverified.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& folder);

/// What is wrong with one checkpoint folder, or "" if its manifest and all checksums hold.
std::string checkpoint_problem(const std::filesystem::path& checkpoint);

/// Of checkpoints at these steps (newest first), the steps that thinning removes.
std::vector<int64_t> thinned_steps(const std::vector<int64_t>& steps, int64_t keep);

/// Dotted keys at which two JSON trees differ.
std::vector<std::string> differing_keys(const nlohmann::ordered_json& a, const nlohmann::ordered_json& b);

}  // namespace noisescope::train
