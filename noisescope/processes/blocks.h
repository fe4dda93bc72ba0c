// A batch in equal blocks: what processes share.
#pragma once

#include <cstdint>
#include <string>

#include "noisescope/core/namespaces.h"

namespace noisescope::processes {

/// What is to be cut, and the keys of the configuration that name it in messages.
struct BlockRequest {
  int64_t batch_size = 1;
  int64_t accumulate = 1;  // batches of one update
  int64_t asked = 0;       // blocks of a batch; 0: as few as give each process work, in a number that divides the batch
  const char* batch_key = "train.batch_size";
  const char* blocks_key = "train.blocks";
};

/// The blocks of a batch. Throws ValueError if there are more processes than images, or if as many blocks as are asked
/// for do not divide the batch or do not suffice for the processes.
int64_t blocks_of(const BlockRequest& request, int64_t processes);

}  // namespace noisescope::processes
