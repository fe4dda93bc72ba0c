// Threads that follow what the machine gives.
//
// The threads of an operation meet at a barrier, so one that waits for a core holds up all others: beside one other
// busy program two threads on two cores do a third of the work of one. Long calls therefore look at the machine twice
// a second (Control::throw_if_stopped) and take as many threads as there are cores that nobody else uses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace noisescope {

/// Cores that this process may use: those it may run on, less where a cgroup (a container's --cpus) gives less time;
/// at least 1.
int64_t usable_cores();

/// CPUs' worth of time that the cgroups of a process give, those above it included; infinity without a limit.
///   mounted  where the cgroup file system is, /sys/fs/cgroup
///   groups   what /proc/self/cgroup says
double cgroup_cpus(const std::filesystem::path& mounted, const std::string& groups);

/// From now on at most `most` threads, fewer while others keep cores busy. Throws ValueError for most < 1.
void follow_machine(int64_t most);

/// Exactly so many threads, whatever others do. Throws ValueError for threads < 1.
void fix_threads(int64_t threads);

/// Whether follow_machine was called after the last fix_threads.
bool follows_machine();

/// Looks at the machine if the last look is half a second ago, and moves to the number of threads that pays now. Does
/// nothing unless follow_machine was called. Called by whoever computes, since OpenMP counts threads for each caller.
void watch_machine();

/// What was seen while the machine was followed.
struct MachineUse {
  int64_t cores = 1;          // usable_cores
  int64_t threads = 1;        // at most
  double seconds = 0;         // watched
  double fewer_seconds = 0;   // with fewer threads than that
  double others_seconds = 0;  // CPU seconds that others took on these cores

  bool was_busy() const { return fewer_seconds > 0.1 * seconds; }
};
MachineUse machine_use();

/// The sentence about it for people; "" for a machine that was not busy.
std::string busy_note(const MachineUse& use);

/// How many threads work: one for each core that is free, at least 1. Fewer at once; more only once a core has been
/// free in two looks, since a gap between two bursts of others is no reason to wake threads.
class ThreadPlan {
 public:
  ThreadPlan(int64_t cores, int64_t most) : use_{cores, most, 0, 0, 0}, now_(most) {}

  /// `seconds` in which others kept `others` cores busy, mean. Returns the threads from here on.
  int64_t see(double seconds, double others);
  int64_t threads() const { return now_; }
  const MachineUse& use() const { return use_; }

 private:
  MachineUse use_;
  int64_t now_;
  bool was_free_ = false;
};

}  // namespace noisescope
