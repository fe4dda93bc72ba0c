// What a training run goes by: the seconds of training alone, and the share of its budget that they, or its updates,
// make.
#pragma once

#include <chrono>

#include "noisescope/train/checkpoint.h"
#include "noisescope/train/options.h"

namespace noisescope::train {

/// A stopwatch that stands still during everything but training.
class Stopwatch {
 public:
  explicit Stopwatch(double seconds_before) : before_(seconds_before) {}

  double seconds() const { return before_ + since(started_) - paused_; }

  /// Runs `work` off the clock.
  template <class Work>
  void pause(Work work) {
    const auto begin = Clock::now();
    work();
    paused_ += since(begin);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point time) { return std::chrono::duration<double>(Clock::now() - time).count(); }

  double before_;
  double paused_ = 0;
  Clock::time_point started_ = Clock::now();
};

/// Share of the budget that is spent, in [0, 1].
class BudgetClock {
 public:
  /// Throws ValueError for a budget in epochs of no samples.
  BudgetClock(const TrainOptions& options, int64_t samples_per_epoch);

  double progress(const TrainState& state) const;

 private:
  bool in_seconds_ = false;
  double amount_ = 0;  // seconds or updates
};

}  // namespace noisescope::train
