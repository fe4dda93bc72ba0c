// Under what each start of a training went on: its budget, and what of machine and software its numbers depend on.
// An interrupted or lengthened run has several; 'noisescope replay' goes through them again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "noisescope/core/device.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// How far the newest good checkpoint of a run is.
struct Reached {
  int64_t step = 0;       // updates
  bool finished = false;  // the budget of then was spent

  bool operator==(const Reached&) const = default;
};
/// Nothing without any checkpoint.
Reached reached_by(const RunFolder& folder);

struct TrainingStart {
  Reached before;                            // where it went on from
  std::string budget;                        // train.budget
  std::map<std::string, std::string> facts;  // "torch" -> "2.13.0", ...; {} in runs of older versions
};

/// What numbers depend on, now: noisescope, torch, compiler, processor, cpu capability, threads, "threads follow the
/// machine", openmp and device.
std::map<std::string, std::string> facts_of_numbers(torch::Device device);

/// Adds a start to starts.json, unless it differs in nothing but its step from the last one.
void record_start(const RunFolder& folder, const std::string& budget, torch::Device device);

/// The starts of a run in their order; none where an older version trained it. Throws FormatError for another file.
std::vector<TrainingStart> load_starts(const RunFolder& folder);

}  // namespace noisescope::run
