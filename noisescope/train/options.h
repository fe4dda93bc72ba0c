// Options of a diffusion training run.
#pragma once

#include <cstdint>
#include <string>

#include "noisescope/core/options.h"
#include "noisescope/nn/ema.h"
#include "noisescope/nn/lr_schedule.h"
#include "noisescope/nn/optimizer.h"
#include "noisescope/nn/precision.h"

namespace noisescope::train {

/// What a budget counts.
enum class BudgetUnit { seconds, steps, images, epochs };
NOISESCOPE_ENUM(BudgetUnit, seconds, steps, images, epochs)

struct Budget {
  BudgetUnit unit = BudgetUnit::seconds;
  double amount = 240;
};

/// "240s", "10m", "2h", "2000steps", "50000images", "3epochs". Throws ValueError for anything else.
Budget parse_budget(const std::string& text);
/// The text of this budget; parse_budget gives it back exactly.
std::string to_string(const Budget& budget);

/// What gives way to the null condition: the whole row of a sample (arXiv:2207.12598, algorithm 1), or
/// each of its coordinates for itself. With the latter the null condition is practically never seen.
enum class NullMask { sample, element };
NOISESCOPE_ENUM(NullMask, sample, element)

struct TrainOptions {
  std::string budget = "240s";
  int64_t batch_size = 32;
  int64_t accumulate = 1;
  int64_t blocks = 0;
  LrScheduleOptions schedule{.learning_rate = 3e-3, .warmup_steps = 40};
  OptimizerOptions optimizer;
  Precision precision = Precision::automatic;
  double max_grad_norm = 1.0;
  double null_probability = 0.12;
  EmaOptions ema;
  int64_t log_every = 20;
  double validate_every = 0.25;
  double checkpoint_seconds = 60;
  int64_t checkpoint_every = 0;
  int64_t keep_checkpoints = 3;
  int64_t validation_samples = 256;
  bool prefetch = false;
  NullMask null_mask = NullMask::sample;
};
void describe(Describer& d, TrainOptions& options);

}  // namespace noisescope::train
