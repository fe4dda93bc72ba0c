#include "tests/standin/counts.h"

#include <atomic>

namespace noisescope::standin {
namespace {

std::atomic<int64_t> launches = 0, to_device = 0, to_host = 0, waits = 0;

}  // namespace

Counts counts() { return {launches, to_device, to_host, waits}; }

void count_launch() { ++launches; }
void count_to_device() { ++to_device; }
void count_to_host() { ++to_host; }
void count_wait() { ++waits; }

}  // namespace noisescope::standin
