#include "noisescope/live/settings.h"

#include <algorithm>
#include <cmath>

namespace noisescope::live {
namespace {

double continuous_level(const GridSettings& s, double position) {
  if (s.kind == LiveGrid::log_snr) {
    return std::exp(std::lerp(std::log(s.sigma_max), std::log(s.sigma_min), position));
  }
  const double power = 1 / s.rho;
  return std::pow(std::lerp(std::pow(s.sigma_max, power), std::pow(s.sigma_min, power), position), s.rho);
}

/// Step i of S from the noisy end; linspace rounds halves to even where timesteps count from 0.
int64_t discrete_level(LiveGrid kind, int64_t i, int64_t steps, int64_t timesteps) {
  const auto last = static_cast<double>(timesteps), gaps = static_cast<double>(steps - 1);
  if (kind == LiveGrid::leading) return 1 + (steps - 1 - i) * (timesteps / steps);
  if (kind == LiveGrid::trailing) {
    return static_cast<int64_t>(std::nearbyint(last - static_cast<double>(i) * (last / static_cast<double>(steps))));
  }
  if (steps == 1) return timesteps;
  return 1 + static_cast<int64_t>(std::nearbyint((last - 1) / gaps * (gaps - static_cast<double>(i))));
}

void check_falling(const std::vector<double>& sigmas) {
  for (size_t i = 1; i < sigmas.size(); ++i) {
    if (sigmas[i] < sigmas[i - 1]) continue;
    throw ValueError(
        format_text("[live.live_sigmas] expected noise levels that fall, got {} after {}; take fewer steps", sigmas[i],
                    sigmas[i - 1]));
  }
}

}  // namespace

void describe(Describer& d, PreconditionSettings& s) {
  d("parametrization", s.parametrization, "what the network predicts");
  d("sigma_data", s.sigma_data, "standard deviation of the clean pixels (edm)", {.min = 0, .above_min = true});
  d("noise_label", s.noise_label, "how the network is told the noise level");
}

void describe(Describer& d, GridSettings& s) {
  d("kind", s.kind, "spacing of the noise levels");
  d("steps", s.steps, "number of solver steps", {.min = 1, .max = 1000});
  d("sigma_min", s.sigma_min, "last noise level before 0", {.min = 0, .above_min = true});
  d("sigma_max", s.sigma_max, "first noise level", {.min = 0, .above_min = true, .below_max = true});
  d("rho", s.rho, "karras: larger puts more steps at low noise", {.min = 0, .above_min = true, .below_max = true});
}

void describe(Describer& d, SolverSettings& s) {
  d("solver", s.solver, "sampling algorithm");
  d("eta", s.eta, "ddim: 0 deterministic, 1 = ddpm with posterior variance", {.min = 0, .max = 1});
  d("variance", s.variance, "ddpm: posterior, upper or previous");
  d("churn", s.churn, "heun: noise added back per run", {.min = 0});
  d("churn_sigma_min", s.churn_sigma_min, "heun: churn from this noise level ...", {.min = 0});
  d("churn_sigma_max", s.churn_sigma_max, "heun: ... up to this one", {.min = 0});
  d("churn_noise", s.churn_noise, "heun: deviation of the noise added back", {.min = 0});
}

void describe(Describer& d, GuidanceSettings& s) {
  d("scale", s.scale, "guidance scale: 1 = none, 0 = prompt ignored", {.above_min = true, .below_max = true});
  d("sigma_min", s.sigma_min, "guidance acts from this noise level ...", {.min = 0});
  d("sigma_max", s.sigma_max, "... up to this one", {.min = 0});
  d("rescale", s.rescale, "how far the contrast of the unguided estimate is restored", {.min = 0, .max = 1});
  d("clamp", s.clamp, "the estimate that the solver uses is clamped to +-clamp; 0 = off", {.min = 0, .was = "clip"});
  d("both_branches", s.both_branches, "evaluate the branch without prompt even where guidance is off");
}

void describe(Describer& d, SamplingSettings& s) {
  d.section("grid", s.grid, "noise levels that the sampler walks down");
  d.section("sampler", s.sampler, "the solver");
  d.section("guidance", s.guidance, "classifier-free guidance");
  d("batch_size", s.batch_size, "pictures sampled at once", {.min = 1, .max = 65536});
}

bool SolverSettings::adds_noise() const {
  return solver == LiveSolver::ddpm || solver == LiveSolver::dpmpp_2m_sde || (solver == LiveSolver::ddim && eta > 0) ||
         (solver == LiveSolver::heun && churn > 0);
}

double timestep_of(const LogSigmas& schedule, double sigma) {
  if (schedule.size() == 1) return 1;
  const double level = std::clamp(std::log(sigma), schedule.front(), schedule.back());
  const auto found = std::lower_bound(schedule.begin(), schedule.end(), level) - schedule.begin();
  const auto right = std::clamp<int64_t>(found, 1, static_cast<int64_t>(schedule.size()) - 1);
  const double low = schedule[static_cast<size_t>(right) - 1], high = schedule[static_cast<size_t>(right)];
  return static_cast<double>(right) + (level - low) / (high - low);
}

std::vector<double> live_sigmas(const GridSettings& settings, const LogSigmas& schedule) {
  check_options("live.live_sigmas", settings);
  const bool is_continuous = settings.kind == LiveGrid::karras || settings.kind == LiveGrid::log_snr;
  const auto timesteps = static_cast<int64_t>(schedule.size());
  if (is_continuous ? settings.sigma_min >= settings.sigma_max : settings.steps > timesteps) {
    throw ValueError(
        format_text("[live.live_sigmas] expected sigma_min < sigma_max, and at most {} steps on a grid of timesteps, "
                    "got {}, {} and {} steps",
                    timesteps, settings.sigma_min, settings.sigma_max, settings.steps));
  }
  std::vector<double> sigmas;
  for (int64_t i = 0; i < settings.steps; ++i) {
    const double position = settings.steps > 1 ? static_cast<double>(i) / static_cast<double>(settings.steps - 1) : 0;
    sigmas.push_back(
        is_continuous
            ? continuous_level(settings, position)
            : std::exp(schedule[static_cast<size_t>(discrete_level(settings.kind, i, settings.steps, timesteps) - 1)]));
  }
  sigmas.push_back(0);
  check_falling(sigmas);
  return sigmas;
}

}  // namespace noisescope::live
