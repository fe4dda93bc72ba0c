// How a live model draws and what its network answers: the options of diffusion/ that a live file holds, under the
// same names, without torch.
#pragma once

#include <limits>
#include <vector>

#include "noisescope/core/options.h"

namespace noisescope::live {

enum class LiveParametrization { edm, eps, v, x0 };
NOISESCOPE_ENUM(LiveParametrization, edm, eps, v, x0)

enum class LiveLabel { log_sigma, timestep, log_snr, timestep_share };
NOISESCOPE_ENUM(LiveLabel, log_sigma, timestep, log_snr, timestep_share)

/// diffusion/precondition.h, its schedule aside.
struct PreconditionSettings {
  LiveParametrization parametrization = LiveParametrization::edm;
  double sigma_data = 0.5;
  LiveLabel noise_label = LiveLabel::log_sigma;
};
void describe(Describer& d, PreconditionSettings& settings);

enum class LiveGrid { karras, log_snr, leading, linspace, trailing };
NOISESCOPE_ENUM(LiveGrid, karras, log_snr, leading, linspace, trailing)

enum class LiveSolver { ddpm, ddim, euler, heun, dpmpp_2m, dpmpp_2m_sde };
NOISESCOPE_ENUM(LiveSolver, ddpm, ddim, euler, heun, dpmpp_2m, dpmpp_2m_sde)

enum class LiveVariance { posterior, upper, previous };
NOISESCOPE_ENUM(LiveVariance, posterior, upper, previous)

/// diffusion/schedule.h GridOptions.
struct GridSettings {
  LiveGrid kind = LiveGrid::karras;
  int64_t steps = 20;
  double sigma_min = 0.002, sigma_max = 80, rho = 7;
};
void describe(Describer& d, GridSettings& settings);

/// diffusion/sampler.h SamplerOptions.
struct SolverSettings {
  LiveSolver solver = LiveSolver::dpmpp_2m;
  double eta = 0;
  LiveVariance variance = LiveVariance::posterior;
  double churn = 0, churn_sigma_min = 0.05, churn_sigma_max = 50, churn_noise = 1.003;

  bool adds_noise() const;
};
void describe(Describer& d, SolverSettings& settings);

/// diffusion/guidance.h GuidanceOptions. Both branches are always evaluated here: the page shows them.
struct GuidanceSettings {
  double scale = 1, sigma_min = 0, sigma_max = std::numeric_limits<double>::infinity(), rescale = 0, clamp = 1;
  bool both_branches = true;
};
void describe(Describer& d, GuidanceSettings& settings);

/// model/sampling_options.h.
struct SamplingSettings {
  GridSettings grid;
  SolverSettings sampler;
  GuidanceSettings guidance;
  int64_t batch_size = 128;
};
void describe(Describer& d, SamplingSettings& settings);

/// ln sigma_t of t = 1 .. T, rising: what a live file keeps of its schedule.
using LogSigmas = std::vector<double>;

/// t(sigma) in [1, T], as Schedule::timestep.
double timestep_of(const LogSigmas& schedule, double sigma);

/// As diffusion/schedule.h sampling_sigmas. Throws ValueError for settings that define no grid.
std::vector<double> live_sigmas(const GridSettings& settings, const LogSigmas& schedule);

}  // namespace noisescope::live
