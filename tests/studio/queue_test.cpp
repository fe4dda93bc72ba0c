// The parts of the studio that are used from several threads: events and jobs.
#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include "noisescope/studio/event_log.h"
#include "noisescope/studio/job_queue.h"
#include "noisescope/studio/refusal.h"

namespace noisescope {
namespace {

using std::chrono::milliseconds;

TEST(EventLog, GivesWhatAListenerMissed) {
  EventLog log(3);
  for (int i = 1; i <= 5; ++i) log.add("state", {{"state", i}});
  const Missed newest = log.after(3, milliseconds(0));
  ASSERT_EQ(newest.events.size(), 2u);
  EXPECT_EQ(newest.events[0].id, 4u);
  EXPECT_EQ(newest.events[1].data, R"({"state":5})");
  EXPECT_FALSE(log.after(2, milliseconds(0)).has_gap);  // 3 to 5 are kept
  EXPECT_TRUE(log.after(1, milliseconds(0)).has_gap);
  EXPECT_TRUE(log.after(6, milliseconds(0)).has_gap);  // of another server
  EXPECT_TRUE(log.after(5, milliseconds(0)).events.empty());
}

TEST(EventLog, WakesWhoWaits) {
  EventLog log;
  auto heard = std::async(std::launch::async, [&] { return log.after(0, std::chrono::minutes(1)); });
  log.add("job", {});
  EXPECT_EQ(heard.get().events.size(), 1u);
  auto closed = std::async(std::launch::async, [&] { return log.after(1, std::chrono::minutes(1)); });
  log.close();
  EXPECT_TRUE(closed.get().is_closed);
}

struct QueueCase {
  EventLog events;
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();

  /// Holds the thread until `go`.
  JobQueue::Work waiting() {
    return [gate = gate](int64_t, const Control& control) {
      gate.wait();
      control.throw_if_stopped("test");
    };
  }
  /// The state of a job once it is over.
  JobState over(const JobQueue& jobs, int64_t id) const {
    for (uint64_t last = 0;;) {
      const JobState state = jobs.of(id).state;
      if (state != JobState::queued && state != JobState::running) return state;
      last = events.after(last, milliseconds(100)).last;
    }
  }
};

TEST(JobQueue, DoesOneAfterTheOther) {
  QueueCase c;
  JobQueue jobs(c.events, 8);
  std::atomic<int> at_once = 0, most = 0;
  const auto work = [&](int64_t, const Control&) {
    most = std::max(most.load(), ++at_once);
    std::this_thread::sleep_for(milliseconds(2));
    --at_once;
  };
  int64_t last = 0;
  for (int i = 0; i < 5; ++i) last = jobs.add(JobKind::draw, 1, work);
  EXPECT_EQ(c.over(jobs, last), JobState::done);
  EXPECT_EQ(most, 1);
}

TEST(JobQueue, TellsWhyAJobFailed) {
  QueueCase c;
  JobQueue jobs(c.events, 8);
  std::promise<Job> ended;
  const int64_t id = jobs.add(
      JobKind::why, 2, [](int64_t, const Control&) { throw ValueError("no such word"); },
      [&](const Job& job) { ended.set_value(job); });
  const Job job = ended.get_future().get();
  EXPECT_EQ(job.id, id);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.error, "no such word");
}

TEST(JobQueue, CancelsWhatRunsAndWhatWaits) {
  QueueCase c;
  JobQueue jobs(c.events, 8);
  const int64_t running = jobs.add(JobKind::draw, 1, c.waiting()), waiting = jobs.add(JobKind::draw, 2, c.waiting());
  jobs.cancel(waiting);
  EXPECT_EQ(jobs.of(waiting).state, JobState::cancelled);
  jobs.cancel_of(1);
  c.go.set_value();
  EXPECT_EQ(c.over(jobs, running), JobState::cancelled);
  jobs.cancel(running);  // over: nothing happens
  EXPECT_THROW(jobs.cancel(99), NotThere);
}

TEST(JobQueue, RefusesMoreThanItMayHold) {
  QueueCase c;
  JobQueue jobs(c.events, 2);
  const int64_t first = jobs.add(JobKind::draw, 1, c.waiting());
  while (jobs.of(first).state == JobState::queued) std::this_thread::yield();
  jobs.add(JobKind::draw, 1, c.waiting());
  jobs.add(JobKind::draw, 1, c.waiting());
  EXPECT_THROW(jobs.add(JobKind::draw, 1, c.waiting()), NotNow);
  c.go.set_value();
}

// Of jobs that are over the newest are remembered, so that a server that runs for days does not grow.
TEST(JobQueue, ForgetsOldJobs) {
  QueueCase c;
  JobQueue jobs(c.events, 400);
  int64_t last = 0;
  for (int i = 0; i < 250; ++i) last = jobs.add(JobKind::draw, 1, [](int64_t, const Control&) {});
  EXPECT_EQ(c.over(jobs, last), JobState::done);
  const int64_t one_more = jobs.add(JobKind::draw, 1, [](int64_t, const Control&) {});
  EXPECT_EQ(c.over(jobs, one_more), JobState::done);
  EXPECT_LE(jobs.list().size(), 201u);
  EXPECT_THROW(jobs.of(1), NotThere);
}

// Progress at most ten times a second, with the time that is left by what was done so far.
TEST(JobQueue, TellsProgressNowAndThen) {
  QueueCase c;
  JobQueue jobs(c.events, 8);
  const auto begun = std::chrono::steady_clock::now();
  const int64_t id = jobs.add(JobKind::draw, 1, [](int64_t, const Control& control) {
    std::this_thread::sleep_for(milliseconds(40));
    for (int i = 0; i < 100; ++i)
      control.report({.task = "draw", .done = 8, .total = 9, .unit = "steps", .detail = {}});
  });
  EXPECT_EQ(c.over(jobs, id), JobState::done);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::vector<nlohmann::ordered_json> told;
  for (const Event& event : c.events.after(0, milliseconds(0)).events) {
    if (event.name == "progress") told.push_back(nlohmann::ordered_json::parse(event.data));
  }
  ASSERT_GE(told.size(), 1u);
  EXPECT_LT(told.size(), 50u);
  EXPECT_GE(told[0]["seconds_left"].get<double>(), 0.04 / 8);
  EXPECT_LE(told[0]["seconds_left"].get<double>(), took.count() / 8);  // one of nine is left
  EXPECT_EQ(told[0]["unit"], "steps");
}

TEST(JobQueue, EndsInTheMiddleOfWork) {
  EventLog events;
  {
    JobQueue jobs(events, 8);
    jobs.add(JobKind::draw, 1, [](int64_t, const Control& control) {
      while (true) control.throw_if_stopped("test");
    });
  }
  SUCCEED();  // the destructor came back
}

}  // namespace
}  // namespace noisescope
