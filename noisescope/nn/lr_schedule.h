// Learning rates over a run: a warm-up in steps times a decay over the share of the budget spent.
#pragma once

#include <cstdint>

#include "noisescope/core/options.h"

namespace noisescope::nn {

enum class Decay { constant, linear, cosine };
NOISESCOPE_ENUM(Decay, constant, linear, cosine)

struct LrScheduleOptions {
  double learning_rate = 2e-3;
  int64_t warmup_steps = 40;
  Decay decay = Decay::linear;
  double final_share = 0.0;
};

inline void describe(Describer& d, LrScheduleOptions& o) {
  d("learning_rate", o.learning_rate, "learning rate at the end of the warm-up", {.min = 0, .max = 10});
  d("warmup_steps", o.warmup_steps, "updates over which the rate rises linearly from about zero", {.min = 0});
  d("decay", o.decay, "how the rate falls over the budget: constant, linear, cosine");
  d("final_share", o.final_share, "share of the learning rate left at the end of the budget", {.min = 0, .max = 1});
}

/// The learning rate of one update.
///   step      updates done before this one; the first is 0
///   progress  share of the budget spent before this one, clamped to [0, 1]: steps, images or
///             seconds, whatever the budget counts
/// With e = final_share, p = progress and W = warmup_steps, the result is learning_rate times
///   warm-up   min(1, (step + 1) / W)
///   linear    1 - (1 - e) p                        torch.optim.lr_scheduler.LinearLR
///   cosine    e + (1 - e) (1 + cos(pi p)) / 2      CosineAnnealingLR; arXiv:1608.03983, eq. 5
double learning_rate_at(const LrScheduleOptions& options, int64_t step, double progress);

}  // namespace noisescope::nn
