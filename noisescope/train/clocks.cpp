#include "noisescope/train/clocks.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"

namespace noisescope::train {

BudgetClock::BudgetClock(const TrainOptions& options, int64_t samples_per_epoch) {
  const Budget budget = parse_budget(options.budget);
  const auto images_per_step = static_cast<double>(options.batch_size * options.accumulate);
  double images = budget.amount;
  if (budget.unit == BudgetUnit::epochs) {
    if (samples_per_epoch < 1) {
      throw ValueError("[train.train] expected samples for a budget in epochs, got none");
    }
    images *= static_cast<double>(samples_per_epoch);
  }
  in_seconds_ = budget.unit == BudgetUnit::seconds;
  const bool counted = in_seconds_ || budget.unit == BudgetUnit::steps;
  amount_ = counted ? budget.amount : images / images_per_step;
  if (!in_seconds_) amount_ = std::ceil(amount_);  // whole updates
}

double BudgetClock::progress(const TrainState& state) const {
  const double spent = in_seconds_ ? state.seconds : static_cast<double>(state.step);
  return std::min(1.0, spent / amount_);
}

}  // namespace noisescope::train
