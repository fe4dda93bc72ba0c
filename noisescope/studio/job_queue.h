// Everything that computes, one after the other on one thread: a model is used from one thread at a time. Requests add
// jobs and go; events tell what became of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/studio/event_log.h"

namespace noisescope::studio {

enum class JobState { queued, running, done, failed, cancelled };
NOISESCOPE_ENUM(JobState, queued, running, done, failed, cancelled)

enum class JobKind { draw, why, sweep, ask, training };
NOISESCOPE_ENUM(JobKind, draw, why, sweep, ask, training)

struct Job {
  int64_t id = 0;
  JobKind kind = JobKind::draw;
  int64_t branch = 0;  // 0: of none
  JobState state = JobState::queued;
  std::string error = {};
};
nlohmann::ordered_json to_json(const Job& job);

/// Throws Interrupted where this thread runs a job that was told to stop; does nothing elsewhere.
void throw_if_job_stopped();

class JobQueue {
 public:
  /// What job `id` does; throws Interrupted when `control` says stop.
  using Work = std::function<void(int64_t id, const Control& control)>;
  /// Hears, on the thread of the queue or the caller of cancel(), how a job ended.
  using End = std::function<void(const Job& job)>;

  JobQueue(EventLog& events, size_t most_waiting);
  /// Cancels everything and waits for the running job.
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// The new job's id. Throws NotNow where too many wait.
  int64_t add(JobKind kind, int64_t branch, Work work, End end = {});
  /// A waiting job never starts, a running one is told to stop. Throws NotThere.
  void cancel(int64_t id);
  /// Cancels all jobs of a branch.
  void cancel_of(int64_t branch);
  /// Throws NotThere.
  Job of(int64_t id) const;
  /// The newest 200, oldest first.
  nlohmann::ordered_json list() const;

 private:
  struct Entry {
    Job job;
    Work work;
    End end;
    std::stop_source stop = {};
  };
  void run();
  void perform(int64_t id);
  void finish(int64_t id, JobState state, const std::string& error);
  void forget_old();
  Control control_of(int64_t id, const std::stop_token& stop);

  EventLog& events_;
  const size_t most_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Entry> jobs_;
  std::deque<int64_t> waiting_;
  int64_t last_ = 0;
  bool is_ending_ = false;
  std::thread thread_;  // the last member: it uses the others
};

}  // namespace noisescope::studio
