#include "noisescope/core/threads.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <mutex>
#include <optional>
#include <sstream>

#include <ATen/Parallel.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kLookSeconds = 0.5;

/// CPUs that this process may run on.
std::optional<cpu_set_t> own_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return std::nullopt;
  return cpus;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Seconds that CPUs of this process were busy since the machine started, for whom ever; none where the system does
/// not say.
std::optional<double> busy_seconds() {
  const std::optional<cpu_set_t> own = own_cpus();
  std::ifstream stat("/proc/stat");
  double ticks = 0;
  bool known = false;
  for (std::string line; own && std::getline(stat, line) && line.rfind("cpu", 0) == 0;) {
    std::istringstream fields(line.substr(3));
    int cpu = 0;
    double user = 0, nice = 0, system = 0, idle = 0, wait = 0, interrupts = 0, soft_interrupts = 0, stolen = 0;
    if (line[3] == ' ' || !(fields >> cpu) || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &*own)) continue;
    if (!(fields >> user >> nice >> system >> idle >> wait >> interrupts >> soft_interrupts)) continue;
    fields >> stolen;
    ticks += user + nice + system + interrupts + soft_interrupts + stolen;
    known = true;
  }
  if (!known) return std::nullopt;
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// CPU seconds of this process so far.
double own_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// A look at the machine.
struct Look {
  Clock::time_point at = Clock::now();
  std::optional<double> busy = busy_seconds();
  double own = own_seconds();
};

/// Follows the machine for all threads that compute; they share what it has found.
class Follower {
 public:
  void follow(int64_t most) {
    const std::lock_guard lock(mutex_);
    plan_ = ThreadPlan(usable_cores(), most);
    last_ = Look();
    at::set_num_threads(static_cast<int>(most));
  }

  void stop(int64_t threads) {
    const std::lock_guard lock(mutex_);
    plan_ = ThreadPlan(usable_cores(), threads);
    last_.reset();
  }

  void watch() {
    const std::lock_guard lock(mutex_);
    if (!last_) return;
    if (std::chrono::duration<double>(Clock::now() - last_->at).count() >= kLookSeconds) look();
    if (at::get_num_threads() != plan_.threads()) at::set_num_threads(static_cast<int>(plan_.threads()));
  }

  bool follows() {
    const std::lock_guard lock(mutex_);
    return last_.has_value();
  }

  MachineUse use() {
    const std::lock_guard lock(mutex_);
    return plan_.use();
  }

 private:
  void look() {
    const Look now;
    if (now.busy && last_->busy) {
      const double seconds = std::chrono::duration<double>(now.at - last_->at).count();
      plan_.see(seconds, (*now.busy - *last_->busy - (now.own - last_->own)) / seconds);
    }
    last_ = now;
  }

  std::mutex mutex_;
  std::optional<Look> last_;  // none: does not follow
  ThreadPlan plan_{1, 1};
};

Follower& follower() {
  static Follower only;
  return only;
}

void check_threads(const char* where, int64_t threads) {
  if (threads < 1) throw ValueError(format_text("[core.{}] expected threads >= 1, got {}", where, threads));
}

/// CPUs of one cgroup folder, of version 2 or 1.
double cpus_of_group(const fs::path& folder) {
  std::istringstream both(text_of(folder / "cpu.max"));
  double quota = 0, period = 0;
  if (both >> quota >> period && period > 0) return quota / period;
  std::istringstream(text_of(folder / "cpu.cfs_quota_us")) >> quota;
  std::istringstream(text_of(folder / "cpu.cfs_period_us")) >> period;
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

}  // namespace

double cgroup_cpus(const fs::path& mounted, const std::string& groups) {
  double cpus = std::numeric_limits<double>::infinity();
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // "0::/a/b", or "4:cpu,cpuacct:/a/b"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    const fs::path root = mounted / controllers;
    fs::path group = fs::path(line.substr(second + 1)).relative_path();
    for (cpus = std::min(cpus, cpus_of_group(root / group)); !group.empty(); group = group.parent_path()) {
      cpus = std::min(cpus, cpus_of_group(root / group.parent_path()));
    }
  }
  return cpus;
}

int64_t usable_cores() {
  const std::optional<cpu_set_t> own = own_cpus();
  const auto cores = own ? static_cast<double>(CPU_COUNT(&*own)) : 1.0;
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::min(cores, cgroup_cpus("/sys/fs/cgroup", text_of("/proc/self/cgroup")))));
}

int64_t ThreadPlan::see(double seconds, double others) {
  constexpr double kShared = 0.25;  // of a core: as much of it may be taken by others
  const double cores = static_cast<double>(use_.cores), taken = std::clamp(others, 0.0, cores);
  use_.seconds += seconds;
  use_.others_seconds += taken * seconds;
  if (now_ < use_.threads) use_.fewer_seconds += seconds;
  const auto fit = std::clamp<int64_t>(static_cast<int64_t>(std::floor(cores - taken + kShared)), 1, use_.threads);
  const bool more = fit > now_;
  if (!more || was_free_) now_ = fit;
  was_free_ = more;
  return now_;
}

void follow_machine(int64_t most) {
  check_threads("follow_machine", most);
  follower().follow(most);
}

void fix_threads(int64_t threads) {
  check_threads("fix_threads", threads);
  follower().stop(threads);
  at::set_num_threads(static_cast<int>(threads));
}

bool follows_machine() { return follower().follows(); }

void watch_machine() { follower().watch(); }

MachineUse machine_use() { return follower().use(); }

std::string busy_note(const MachineUse& use) {
  if (!use.was_busy()) return "";
  return format_text(
      "the machine was busy with something else: {:.1f} of {} cores on average; {:.0f} % of the time fewer than {} "
      "threads worked, so this took longer than on a quiet machine",
      use.others_seconds / use.seconds, use.cores, 100 * use.fewer_seconds / use.seconds, use.threads);
}

}  // namespace noisescope
