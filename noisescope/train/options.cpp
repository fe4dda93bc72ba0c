#include "noisescope/train/options.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "noisescope/core/error.h"

namespace noisescope::train {
namespace {

/// A suffix of a budget and how many of its unit it stands for.
struct Suffix {
  std::string_view text;
  BudgetUnit unit;
  double factor;
};

constexpr std::array<Suffix, 10> kSuffixes = {{{"s", BudgetUnit::seconds, 1},
                                               {"seconds", BudgetUnit::seconds, 1},
                                               {"m", BudgetUnit::seconds, 60},
                                               {"h", BudgetUnit::seconds, 3600},
                                               {"step", BudgetUnit::steps, 1},
                                               {"steps", BudgetUnit::steps, 1},
                                               {"image", BudgetUnit::images, 1},
                                               {"images", BudgetUnit::images, 1},
                                               {"epoch", BudgetUnit::epochs, 1},
                                               {"epochs", BudgetUnit::epochs, 1}}};

}  // namespace

Budget parse_budget(const std::string& text) {
  double amount = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  const std::string_view suffix(rest, static_cast<size_t>(text.data() + text.size() - rest));
  if (error == std::errc() && amount > 0 && std::isfinite(amount)) {
    for (const Suffix& known : kSuffixes) {
      if (suffix == known.text) return {known.unit, amount * known.factor};
    }
  }
  throw ValueError(
      "[train.parse_budget] expected a budget such as 240s, 10m, 2h, 2000steps, 50000images or "
      "3epochs, got '" +
      text + "'");
}

std::string to_string(const Budget& budget) {
  std::array<char, 64> number;
  const auto end = std::to_chars(number.data(), number.data() + number.size(), budget.amount).ptr;
  return std::string(number.data(), end) + (budget.unit == BudgetUnit::seconds ? "s" : to_string(budget.unit));
}

void describe(Describer& d, TrainOptions& o) {
  d("budget", o.budget,
    "how long to train: 240s, 10m, 2h, 2000steps, 50000images or 3epochs; a budget in time counts "
    "training alone");
  d("batch_size", o.batch_size, "images of one batch, over all processes together", {.min = 1, .max = 65536});
  d("accumulate", o.accumulate, "batches of one update", {.min = 1, .max = 4096});
  d("blocks", o.blocks,
    "equal blocks of a batch, each a pass of its own, whose gradients are summed in one order: what processes share; "
    "equal blocks give equal bits. 0: as many as the processes need",
    {.min = 0, .max = 65536});
  d.section("schedule", o.schedule, "learning rate over the run");
  d.section("optimizer", o.optimizer, "what turns gradients into updates");
  d("precision", o.precision,
    "numbers of convolutions and products while training: float32, bfloat16, or auto (bfloat16 on CPUs with matrix "
    "units for it, AMX); weights, gradients' sums, drawing and explaining are float32");
  d("max_grad_norm", o.max_grad_norm, "largest norm of all gradients together; 0: no limit",
    {.min = 0, .was = "clip_norm"});
  d("null_probability", o.null_probability,
    "share of samples whose condition is replaced, as a whole, by the learned null condition", {.min = 0, .max = 1});
  d("null_mask", o.null_mask,
    "what is replaced: sample (whole conditions) or element (coordinates one by one; xNoise's)");
  d.section("ema", o.ema, "average of the weights that is drawn from");
  d("log_every", o.log_every, "updates between two lines of metrics", {.min = 1});
  d("validate_every", o.validate_every,
    "share of the budget between two validations (with preview); 0: only at the end", {.min = 0, .max = 1});
  d("checkpoint_seconds", o.checkpoint_seconds, "seconds between checkpoints; 0: none by time", {.min = 0});
  d("checkpoint_every", o.checkpoint_every, "updates between checkpoints; 0: none by count", {.min = 0});
  d("keep_checkpoints", o.keep_checkpoints, "newest checkpoints kept; older ones are thinned", {.min = 1, .max = 1000});
  d("validation_samples", o.validation_samples, "images of the fixed validation noise", {.min = 1});
  d("prefetch", o.prefetch, "prepare the next batch on a thread of its own; the same numbers, worth it on a GPU");
}

}  // namespace noisescope::train
