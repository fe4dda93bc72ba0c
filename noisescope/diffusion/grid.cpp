// Sampling grids of schedule.h.
#include <cmath>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/schedule.h"

namespace noisescope::diffusion {
namespace {

/// i / (S - 1), or 0 for a single step.
double fraction(int64_t i, int64_t steps) {
  return steps > 1 ? static_cast<double>(i) / static_cast<double>(steps - 1) : 0;
}

void check_ends(const GridOptions& options) {
  if (options.sigma_min < options.sigma_max) return;
  throw ValueError(format_text("[diffusion.sampling_sigmas] expected sigma_min < sigma_max, got {} and {}",
                               options.sigma_min, options.sigma_max));
}

double continuous_sigma(const GridOptions& options, int64_t i) {
  const double position = fraction(i, options.steps);
  if (options.kind == GridKind::log_snr) {
    return std::exp(std::lerp(std::log(options.sigma_max), std::log(options.sigma_min), position));
  }
  const double power = 1 / options.rho;
  return std::pow(std::lerp(std::pow(options.sigma_max, power), std::pow(options.sigma_min, power), position),
                  options.rho);
}

/// Step i of S, counted from the noisy end. linspace rounds halves to even where timesteps count from 0, as the
/// reference libraries do: 832.5 becomes 832 there, which is 833 here.
int64_t discrete_timestep(GridKind type, int64_t i, int64_t steps, int64_t timesteps) {
  const auto last = static_cast<double>(timesteps);
  const auto gaps = static_cast<double>(steps - 1);
  switch (type) {
    case GridKind::leading:
      return 1 + (steps - 1 - i) * (timesteps / steps);
    case GridKind::linspace:
      if (steps == 1) return timesteps;
      return 1 + static_cast<int64_t>(std::nearbyint((last - 1) / gaps * (gaps - static_cast<double>(i))));
    default:  // trailing
      return static_cast<int64_t>(std::nearbyint(last - static_cast<double>(i) * (last / static_cast<double>(steps))));
  }
}

}  // namespace

void describe(Describer& d, GridOptions& options) {
  d("kind", options.kind,
    "spacing of the noise levels: karras, log_snr (uniform), or the timesteps of the discrete "
    "schedule: leading, linspace, trailing",
    {.was = "type"});
  d("steps", options.steps, "number of solver steps", {.min = 1, .max = 100000});
  d("sigma_min", options.sigma_min, "last noise level before 0 (karras, log_snr)", {.min = 0, .above_min = true});
  d("sigma_max", options.sigma_max, "first noise level (karras, log_snr)",
    {.min = 0, .above_min = true, .below_max = true});
  d("rho", options.rho, "karras: larger puts more steps at low noise",
    {.min = 0, .above_min = true, .below_max = true});
}

std::vector<double> sampling_sigmas(const GridOptions& options, const ScheduleOptions& schedule) {
  check_options("diffusion.sampling_sigmas", options);
  std::vector<double> sigmas;
  if (options.kind == GridKind::karras || options.kind == GridKind::log_snr) {
    check_ends(options);
    for (int64_t i = 0; i < options.steps; ++i) sigmas.push_back(continuous_sigma(options, i));
  } else {
    const Schedule table(schedule);
    if (options.steps > table.timesteps()) {
      throw ValueError(
          format_text("[diffusion.sampling_sigmas] expected at most T = {} steps on a discrete grid, "
                      "got {}",
                      table.timesteps(), options.steps));
    }
    for (int64_t i = 0; i < options.steps; ++i) {
      sigmas.push_back(table.sigma(discrete_timestep(options.kind, i, options.steps, table.timesteps())));
    }
  }
  sigmas.push_back(0.0);
  return sigmas;
}

}  // namespace noisescope::diffusion
