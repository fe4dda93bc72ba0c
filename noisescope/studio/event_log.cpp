#include "noisescope/studio/event_log.h"

namespace noisescope::studio {

void EventLog::add(const std::string& name, const nlohmann::ordered_json& data) {
  const std::lock_guard lock(mutex_);
  events_.push_back({++last_, name, data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)});
  if (events_.size() > kept_) events_.pop_front();
  changed_.notify_all();
}

Missed EventLog::after(uint64_t last, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return is_closed_ || last_ != last; });
  Missed missed{{}, false, last_, is_closed_};
  const uint64_t oldest = events_.empty() ? last_ + 1 : events_.front().id;
  missed.has_gap = last > last_ || last + 1 < oldest;
  if (missed.has_gap) return missed;
  for (const Event& event : events_) {
    if (event.id > last) missed.events.push_back(event);
  }
  return missed;
}

uint64_t EventLog::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void EventLog::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  changed_.notify_all();
}

}  // namespace noisescope::studio
