// The run folder of process 0, for processes that may stand on other machines.
#pragma once

#include <optional>

#include "noisescope/io/file.h"
#include "noisescope/processes/group.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// Throws ModelError, on every process, if one has another version, torch, processor features, threads or configuration
/// than process 0: each does some of the work alone, and all of it must fit together. data.path may differ.
void agree_on_settings(Group& group, const RunConfig& config);

/// Where a process of a group works: process 0 in the run folder itself, each other one in a folder of its own for as
/// long as this object lives, which begins with what training goes on from (configuration, encoder, embeddings;
/// checkpoints go another way, see train_model). So all take the same course, and one alone leaves anything behind.
/// What a killed process leaves in the temporary folder, the next one removes.
class SharedFolder {
 public:
  /// Throws ProcessError, IoError.
  SharedFolder(Group& group, const RunFolder& folder);
  ~SharedFolder();
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;

  const RunFolder& folder() const { return folder_; }

 private:
  RunFolder folder_;
  bool own_ = false;  // to be removed
  std::optional<FolderLock> lock_;
};

}  // namespace noisescope::run
