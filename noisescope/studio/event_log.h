// What happened, in order, for everybody who listens: the newest events are kept, so that a listener that was cut off
// goes on where it stopped. Used from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/core/namespaces.h"

namespace noisescope::studio {

struct Event {
  uint64_t id = 0;  // 1, 2, ...
  std::string name;
  std::string data;  // one line of JSON
};

/// What a listener missed.
struct Missed {
  std::vector<Event> events;
  bool has_gap = false;    // older ones are gone: fetch everything anew; then `events` is empty
  uint64_t last = 0;       // the id to go on from
  bool is_closed = false;  // nothing will come any more
};

class EventLog {
 public:
  explicit EventLog(size_t kept = 4096) : kept_(kept) {}

  void add(const std::string& name, const nlohmann::ordered_json& data);
  /// Events with an id above `last`; waits for one at most this long. An id that was never given out is a gap.
  Missed after(uint64_t last, std::chrono::milliseconds patience) const;
  /// The newest event's id, 0 before the first.
  uint64_t last() const;
  /// Wakes all who wait.
  void close();

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Event> events_;
  size_t kept_;
  uint64_t last_ = 0;
  bool is_closed_ = false;
};

}  // namespace noisescope::studio
