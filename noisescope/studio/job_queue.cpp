#include "noisescope/studio/job_queue.h"

#include <chrono>

#include "noisescope/core/format.h"
#include "noisescope/studio/refusal.h"

namespace noisescope::studio {
namespace {

using JobClock = std::chrono::steady_clock;

constexpr size_t kRemembered = 200;

thread_local std::stop_token stop_of_this_thread;

bool is_over(JobState state) { return state != JobState::queued && state != JobState::running; }

nlohmann::ordered_json progress_json(int64_t job, const Progress& progress, double seconds) {
  nlohmann::ordered_json json = {{"job", job},
                                 {"task", progress.task},
                                 {"done", progress.done},
                                 {"total", progress.total},
                                 {"unit", progress.unit},
                                 {"detail", progress.detail},
                                 {"seconds_left", nullptr}};
  const bool can_tell = progress.done > 0 && progress.total >= progress.done;
  if (can_tell) json["seconds_left"] = seconds * (progress.total - progress.done) / progress.done;
  return json;
}

}  // namespace

void throw_if_job_stopped() {
  if (stop_of_this_thread.stop_requested()) throw Interrupted("[studio.jobs] stopped on request");
}

nlohmann::ordered_json to_json(const Job& job) {
  return {{"id", job.id},
          {"kind", to_string(job.kind)},
          {"of", job.branch},
          {"state", to_string(job.state)},
          {"error", job.error}};
}

JobQueue::JobQueue(EventLog& events, size_t most_waiting)
    : events_(events), most_waiting_(most_waiting), thread_([this] { run(); }) {}

JobQueue::~JobQueue() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (auto& [id, entry] : jobs_) entry.stop.request_stop();
    changed_.notify_all();
  }
  thread_.join();
}

int64_t JobQueue::add(JobKind kind, int64_t branch, Work work, End end) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= most_waiting_) {
    throw NotNow(
        format_text("[studio.jobs] expected fewer than {} waiting jobs; wait for some, or cancel one", most_waiting_));
  }
  const int64_t id = ++last_;
  jobs_[id] = {{id, kind, branch}, std::move(work), std::move(end)};
  waiting_.push_back(id);
  events_.add("job", to_json(jobs_[id].job));
  forget_old();
  changed_.notify_all();
  return id;
}

void JobQueue::cancel(int64_t id) {
  bool was_waiting = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) throw NotThere(format_text("[studio.jobs] there is no job {}", id));
    if (is_over(found->second.job.state)) return;
    found->second.stop.request_stop();
    was_waiting = std::erase(waiting_, id) > 0;
  }
  if (was_waiting) finish(id, JobState::cancelled, "");
}

void JobQueue::cancel_of(int64_t branch) {
  std::vector<int64_t> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : jobs_) {
      if (entry.job.branch == branch && !is_over(entry.job.state)) ids.push_back(id);
    }
  }
  for (const int64_t id : ids) cancel(id);
}

Job JobQueue::of(int64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) throw NotThere(format_text("[studio.jobs] there is no job {}", id));
  return found->second.job;
}

nlohmann::ordered_json JobQueue::list() const {
  const std::lock_guard lock(mutex_);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [id, entry] : jobs_) list.push_back(to_json(entry.job));
  return list;
}

void JobQueue::run() {
  while (true) {
    int64_t id = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return is_ending_ || !waiting_.empty(); });
      if (is_ending_) return;
      id = waiting_.front();
      waiting_.pop_front();
      jobs_[id].job.state = JobState::running;
      events_.add("job", to_json(jobs_[id].job));
    }
    perform(id);
  }
}

void JobQueue::perform(int64_t id) {
  Work work;
  std::stop_token stop;
  {
    const std::lock_guard lock(mutex_);
    work = std::move(jobs_[id].work);
    stop = jobs_[id].stop.get_token();
  }
  stop_of_this_thread = stop;
  try {
    work(id, control_of(id, stop));
    finish(id, JobState::done, "");
  } catch (const Interrupted&) {
    finish(id, JobState::cancelled, "");
  } catch (const std::exception& error) {
    finish(id, JobState::failed, error.what());
  }
}

/// Progress as events, ten a second at most.
Control JobQueue::control_of(int64_t id, const std::stop_token& stop) {
  const auto begin = JobClock::now();
  auto last = std::make_shared<JobClock::time_point>();
  return {[this, id, begin, last](const Progress& progress) {
            const auto now = JobClock::now();
            if (now - *last < std::chrono::milliseconds(100)) return;
            *last = now;
            events_.add("progress", progress_json(id, progress, std::chrono::duration<double>(now - begin).count()));
          },
          stop};
}

void JobQueue::finish(int64_t id, JobState state, const std::string& error) {
  End end;
  Job job;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = jobs_[id];
    entry.job.state = state;
    entry.job.error = error;
    job = entry.job;
    end = std::move(entry.end);
    entry.work = {};
  }
  if (end) end(job);
  events_.add("job", to_json(job));
}

void JobQueue::forget_old() {
  for (auto entry = jobs_.begin(); entry != jobs_.end() && jobs_.size() > kRemembered;) {
    entry = is_over(entry->second.job.state) ? jobs_.erase(entry) : std::next(entry);
  }
}

}  // namespace noisescope::studio
