#include "noisescope/processes/blocks.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::processes {
namespace {

int64_t fewest(const BlockRequest& request, int64_t processes) {
  for (int64_t blocks = 1; blocks <= request.batch_size; ++blocks) {
    if (request.batch_size % blocks == 0 && blocks * request.accumulate >= processes) return blocks;
  }
  throw ValueError(
      format_text("[processes] expected at least one image of an update for each of {} processes, got {} {}; start "
                  "fewer, or raise it",
                  processes, request.batch_key, request.batch_size));
}

}  // namespace

int64_t blocks_of(const BlockRequest& request, int64_t processes) {
  const int64_t needed = fewest(request, processes);
  if (request.asked == 0) return needed;
  if (request.batch_size % request.asked != 0) {
    throw ValueError(format_text("[processes] expected {} to divide {} {}, got {}", request.blocks_key,
                                 request.batch_key, request.batch_size, request.asked));
  }
  if (request.asked < needed) {
    throw ValueError(format_text("[processes] expected {} of at least {} for {} processes, got {}", request.blocks_key,
                                 needed, processes, request.asked));
  }
  return request.asked;
}

}  // namespace noisescope::processes
