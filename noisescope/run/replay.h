// A run made again from its folder alone, and what of it came out otherwise.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/core/device.h"
#include "noisescope/core/progress.h"
#include "noisescope/run/run_folder.h"
#include "noisescope/train/checkpoint.h"

namespace noisescope::run {

struct ReplayRequest {
  std::filesystem::path out;  // of the run made anew; "": RunFolder::replay(). An interrupted replay goes on there
  std::filesystem::path data_path;  // where the data are now; "": where the run found them
  int64_t threads = 0;              // 0: as many as the run was trained with
  torch::Device device = torch::kCPU;
  Notice notice = {};
};

/// One thing that training made, twice.
struct ReplayedPart {
  std::string name;        // clip, embeddings, conditions, noise_levels, metrics, model
  std::string run, again;  // checksums of the contents, times left out
  std::string difference;  // "" where they are equal, else how far apart

  bool is_equal() const { return run == again; }
};

struct Replay {
  std::vector<ReplayedPart> parts;
  std::vector<std::string> reasons;  // why numbers may differ, of what is known: "threads: the run had 2, this has 1"

  bool is_equal() const;
};
nlohmann::ordered_json to_json(const Replay& replay);

/// Trains the run of `folder` anew from its configuration in request.out, with the threads and through the budgets of
/// each of its starts, and compares. A budget in seconds is replayed by the updates that it gave. Fixes the threads of
/// the process.
/// Throws ModelError for a folder whose training is not finished or was not made here, DataError where its data are
/// gone or are others now, and as train_run does. Interrupted leaves a checkpoint.
Replay replay_run(const RunFolder& folder, const ReplayRequest& request, const Control& control);

/// The comparison alone, of two finished runs.
std::vector<ReplayedPart> compare_runs(const RunFolder& run, const RunFolder& again);

}  // namespace noisescope::run
