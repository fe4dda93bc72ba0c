#include "noisescope/train/options.h"

#include <cmath>
#include <cstdlib>

#include "noisescope/core/error.h"

namespace noisescope {

Budget parse_budget(const std::string& text) {
  char* end = nullptr;
  const double amount = std::strtod(text.c_str(), &end);
  const std::string unit(end);
  Budget budget;
  budget.amount = amount;
  bool known = true;
  if (unit == "s" || unit == "seconds") {
    budget.unit = BudgetUnit::seconds;
  } else if (unit == "m" || unit == "h") {
    budget.amount *= unit == "m" ? 60 : 3600;
  } else if (unit == "steps" || unit == "images" || unit == "epochs") {
    budget.unit = parse_enum<BudgetUnit>(unit);
  } else {
    known = false;
  }
  if (end == text.c_str() || !known || !(amount > 0) || !std::isfinite(amount)) {
    throw ValueError("[train.parse_budget] expected a budget such as 240s, 10m, 2h, 2000steps, "
                     "50000images or 3epochs, got '" + text + "'");
  }
  return budget;
}

std::string to_string(const Budget& budget) {
  char number[32];
  std::snprintf(number, sizeof number, "%g", budget.amount);
  return number + (budget.unit == BudgetUnit::seconds ? "s" : to_string(budget.unit));
}

void describe(Describer& d, TrainOptions& o) {
  d("budget", o.budget,
    "how long to train: 240s, 10m, 2h, 2000steps, 50000images or 3epochs; a budget in time counts "
    "training alone");
  d("batch_size", o.batch_size, "images of one forward pass", {.min = 1, .max = 65536});
  d("accumulate", o.accumulate, "forward passes of one update", {.min = 1, .max = 4096});
  d.section("schedule", o.schedule, "learning rate over the run");
  d.section("optimizer", o.optimizer, "AdamW");
  d("clip_norm", o.clip_norm, "largest norm of all gradients together; 0: no limit", {.min = 0});
  d("null_probability", o.null_probability,
    "share of samples whose condition is replaced, as a whole, by the learned null condition",
    {.min = 0, .max = 1});
  d.section("ema", o.ema, "average of the weights that is drawn from");
  d("log_every", o.log_every, "updates between two lines of metrics", {.min = 1});
  d("validate_every", o.validate_every,
    "share of the budget between two validations (with preview); 0: only at the end",
    {.min = 0, .max = 1});
  d("checkpoint_seconds", o.checkpoint_seconds, "seconds between checkpoints; 0: none by time",
    {.min = 0});
  d("checkpoint_every", o.checkpoint_every, "updates between checkpoints; 0: none by count",
    {.min = 0});
  d("keep_checkpoints", o.keep_checkpoints, "newest checkpoints kept; older ones are thinned",
    {.min = 1, .max = 1000});
  d("validation_samples", o.validation_samples, "images of the fixed validation noise", {.min = 1});
}

}  // namespace noisescope
