#include "noisescope/nn/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace noisescope::nn {
namespace {

/// 1 at p = 0, 0 at p = 1.
double decay_shape(Decay decay, double p) {
  switch (decay) {
    case Decay::constant:
      return 1;
    case Decay::linear:
      return 1 - p;
    case Decay::cosine:
      return (1 + std::cos(std::numbers::pi * p)) / 2;
  }
  throw ValueError("[nn.learning_rate_at] expected a decay, got an unknown one");
}

}  // namespace

double learning_rate_at(const LrScheduleOptions& options, int64_t step, double progress) {
  const double p = std::clamp(progress, 0.0, 1.0);
  const double decay = options.final_share + (1 - options.final_share) * decay_shape(options.decay, p);
  if (step >= options.warmup_steps) return options.learning_rate * decay;
  const double warmup = static_cast<double>(step + 1) / static_cast<double>(options.warmup_steps);
  return options.learning_rate * decay * warmup;
}

}  // namespace noisescope::nn
