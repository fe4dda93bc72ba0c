#include "noisescope/core/threads.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "noisescope/core/error.h"
#include "noisescope/core/progress.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

/// The threads after each look of half a second, in which others kept so many cores busy.
std::vector<int64_t> threads_over(ThreadPlan plan, const std::vector<double>& others) {
  std::vector<int64_t> threads;
  for (const double busy : others) threads.push_back(plan.see(0.5, busy));
  return threads;
}

using Threads = std::vector<int64_t>;

TEST(ThreadPlan, GivesWayAtOnceAndComesBackOnceACoreIsFreeTwice) {
  // Beside one busy program two of ours leave it two thirds of a core; alone with one of ours it takes a whole one.
  EXPECT_EQ(threads_over({2, 2}, {0, 0.67, 1, 1, 0, 0, 0}), (Threads{2, 1, 1, 1, 1, 2, 2}));
  EXPECT_EQ(threads_over({2, 2}, {1, 0, 1, 0, 1}), (Threads{1, 1, 1, 1, 1}));  // gaps between bursts
}

TEST(ThreadPlan, TakesTheCoresThatAreFree) {
  EXPECT_EQ(threads_over({16, 16}, {2, 9.5, 16, 0, 0}), (Threads{14, 6, 1, 1, 16}));
  EXPECT_EQ(threads_over({16, 4}, {2, 14, 0, 0}), (Threads{4, 2, 2, 4}));
  EXPECT_EQ(threads_over({2, 2}, {0.2, 0.2}), (Threads{2, 2}));  // a fifth of a core is no other program
  EXPECT_EQ(threads_over({1, 1}, {1, 0, 0}), (Threads{1, 1, 1}));
}

TEST(ThreadPlan, CountsWhatOthersTook) {
  ThreadPlan plan(2, 2);
  EXPECT_EQ(busy_note(plan.use()), "");
  for (const double others : {1.0, 1.0, 0.0, 0.0}) plan.see(2, others);
  EXPECT_EQ(plan.use().seconds, 8);
  EXPECT_EQ(plan.use().others_seconds, 4);
  EXPECT_EQ(plan.use().fewer_seconds, 6);  // the first look was with two
  EXPECT_TRUE(plan.use().was_busy());
  EXPECT_NE(busy_note(plan.use()).find("0.5 of 2 cores on average; 75 % of the time fewer than 2"), std::string::npos)
      << busy_note(plan.use());
}

class Cgroups : public testing::Test {
 protected:
  Cgroups() { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  const fs::path root_ = fs::path(testing::TempDir()) / "noisescope_cgroups";
};

TEST_F(Cgroups, LimitOfTheOwnGroupOrOfOneAboveIt) {
  EXPECT_TRUE(std::isinf(cgroup_cpus(root_, "0::/\n")));
  write("cpu.max", "150000 100000\n");  // docker run --cpus 1.5
  EXPECT_EQ(cgroup_cpus(root_, "0::/\n"), 1.5);
  write("job/step/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "0::/job/step\n"), 1.5);
  write("job/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "0::/job/step\n"), 0.5);
}

TEST_F(Cgroups, VersionOneByItsController) {
  write("cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
  write("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpus(root_, "11:memory:/a\n4:cpu,cpuacct:/a\n"), 3);
  write("cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
  EXPECT_TRUE(std::isinf(cgroup_cpus(root_, "4:cpu,cpuacct:/a\n")));
  EXPECT_TRUE(std::isinf(cgroup_cpus(root_, "garbage")));
}

TEST(Threads, AreFixedOrFollowTheMachine) {
  const int before = at::get_num_threads();
  fix_threads(3);
  Control{}.throw_if_stopped("test");
  EXPECT_EQ(at::get_num_threads(), 3);
  follow_machine(2);
  at::set_num_threads(5);
  Control{}.throw_if_stopped("test");  // too early for a look, but the plan is kept
  EXPECT_EQ(at::get_num_threads(), 2);
  EXPECT_EQ(machine_use().threads, 2);
  EXPECT_THROW(follow_machine(0), ValueError);
  EXPECT_THROW(fix_threads(0), ValueError);
  fix_threads(before);
}

}  // namespace
}  // namespace noisescope
