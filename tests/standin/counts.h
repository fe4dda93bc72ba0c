// What the stand-in device was asked to do, and how often the host had to wait for it.
#pragma once

#include <cstdint>

namespace noisescope::standin {

struct Counts {
  int64_t launches = 0;   // kernels, copies on the device among them
  int64_t to_device = 0;  // copies from the host
  int64_t to_host = 0;    // copies to the host
  int64_t waits = 0;      // synchronisations: the host went on only after the device was done
};

/// Since the start of the process, by all threads.
Counts counts();

/// What `work` adds to them.
template <class Work>
Counts counts_of(Work work) {
  const Counts before = counts();
  work();
  const Counts after = counts();
  return {after.launches - before.launches, after.to_device - before.to_device, after.to_host - before.to_host,
          after.waits - before.waits};
}

// For the device alone.
void count_launch();
void count_to_device();
void count_to_host();
void count_wait();

}  // namespace noisescope::standin
