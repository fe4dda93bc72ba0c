// `noisescope rewind`: one thing of a run changed from a step on, all else the same, and what
// became of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/model/trajectory_record.h"

namespace noisescope::report {

struct RewindRequest {
  // Which run: pictures of a record, or new ones of a prompt.
  std::optional<TrajectoryRecord> record;
  int64_t picture = 0;  // of the record, with all others of its prompt
  std::string prompt;   // "": that of the record
  int64_t count = 1;    // pictures of a new run
  uint64_t seed = 0;    // of a new run
  // From where on.
  int64_t step = 0;               // in [0, steps)
  std::optional<double> log_snr;  // instead: the first step at this log-SNR or above
  // What is different; at least one thing.
  std::string new_prompt;
  std::string word, replacement;    // or one word of the prompt, "red:2" for its second occurrence
  std::optional<double> scale;      // of guidance
  std::vector<int64_t> block;       // top, left, height, width in pixels: its noise is drawn anew
  bool new_noise = false;           // of the steps that remain; stochastic samplers
  uint64_t noise_seed = 1;          // of the new noise of both
  std::vector<std::string> labels;  // read as factors where no parser reads the pictures
  std::filesystem::path out;        // folder
};

struct RewindResult {
  nlohmann::ordered_json json;     // as written
  std::vector<std::string> lines;  // what was changed and what came of it, for people
  std::filesystem::path folder;
  std::vector<std::filesystem::path> files;  // written
};

/// Draws both arms (explain/rewind.h) and writes before.png, after.png and difference.png of the
/// first picture, rewind.png (all beside each other), divergence.svg, rewind.json and
/// rewind.safetensors. Throws ValueError if nothing is changed, for a step, word or block that is
/// not there, a prompt that is not the record's, or new noise for a sampler that injects none; and
/// as read_trajectory and rewind do.
RewindResult rewind_run(const Model& model, const RewindRequest& request, const Control& control);

}  // namespace noisescope::report
