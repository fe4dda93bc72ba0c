// Who of the others is still there: each process beats once a second in the common store, and listens to the others.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "noisescope/core/namespaces.h"

namespace noisescope::processes {

/// While it lives, a process that falls silent for 15 s (stopped, or its machine gone) ends this one with a message on
/// stderr and exit code 1: a transfer with it would wait for ever.
class Watcher {
 public:
  Watcher(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t size);
  ~Watcher();

  /// Of a transfer that broke: which process ended and what it said, after waiting a moment for its words.
  std::string who_is_lost() const;
  /// Tells the others why this process ends.
  void fail(const std::string& message) noexcept;
  /// Tells the others that this process is through; process 0, which may serve the store, waits for all.
  void leave();

 private:
  void watch(const std::stop_token& stop);
  bool has(const std::string& key) const;
  bool left(int64_t rank) const;

  c10::intrusive_ptr<c10d::Store> store_;    // of the calling thread
  c10::intrusive_ptr<c10d::Store> beating_;  // of the watching one: a connection of its own
  int64_t rank_, size_;
  std::jthread thread_;
};

}  // namespace noisescope::processes
