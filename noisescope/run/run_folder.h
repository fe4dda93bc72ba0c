// Where a run keeps what. A run folder belongs to one process at a time (io/file.h, FolderLock).
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "noisescope/core/namespaces.h"

namespace noisescope::run {

struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path config() const { return root / "config.yaml"; }     // resolved
  std::filesystem::path data() const { return root / "data.json"; }         // what it was trained on
  std::filesystem::path starts() const { return root / "starts.json"; }     // under what training went on
  std::filesystem::path clip() const { return root / "clip"; }              // Hugging Face layout
  std::filesystem::path clip_report() const { return root / "clip.json"; }  // how good it is
  std::filesystem::path clip_checkpoint() const { return root / "clip.partial.safetensors"; }
  std::filesystem::path embeddings() const { return root / "embeddings.safetensors"; }
  std::filesystem::path condition() const { return root / "condition.safetensors"; }
  std::filesystem::path model() const { return root / "model.safetensors"; }         // averaged weights
  std::filesystem::path noise_levels() const { return root / "noise_levels.json"; }  // fitted ones
  std::filesystem::path metrics() const { return root / "metrics.jsonl"; }
  std::filesystem::path validation() const { return root / "validation.json"; }
  std::filesystem::path training() const { return root / "training.json"; }  // what it took
  std::filesystem::path samples() const { return root / "samples"; }
  std::filesystem::path explain() const { return root / "explain"; }
  std::filesystem::path rewind() const { return root / "rewind"; }
  std::filesystem::path judge() const { return root / "judge"; }
  std::filesystem::path evaluation() const { return root / "evaluation.json"; }
  std::filesystem::path calibration() const { return root / "calibration.json"; }  // of its evidence
  std::filesystem::path report() const { return root / "report.html"; }
  std::filesystem::path replay() const { return root / "replay"; }  // the run made anew: a run folder
  std::filesystem::path summary() const { return root / "summary.json"; }
};

}  // namespace noisescope::run
