// Discrete DDPM as a map between the timestep t in 1..T and the noise level sigma, and the grids of
// noise levels that samplers walk down.
//
// Symbols: beta_t, alpha_bar_t = prod_{s <= t} (1 - beta_s), sigma_t = sqrt((1 - alpha_bar_t) /
// alpha_bar_t), log-SNR = ln(alpha_bar_t / (1 - alpha_bar_t)) = -2 ln sigma_t.
// t counts from 1 as in the papers; libraries that count from 0 call the same step t - 1.
#pragma once

#include <cstdint>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/tensor.h"
#include "noisescope/diffusion/network.h"

namespace noisescope::diffusion {

enum class ScheduleKind { linear, linear_rescaled, cosine, zero_terminal_snr };
NOISESCOPE_ENUM(ScheduleKind, linear, linear_rescaled, cosine, zero_terminal_snr)

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::linear_rescaled;
  int64_t timesteps = 1000;  // T
  double beta_start = 1e-4;  // beta_1 at T = 1000 (all but cosine)
  double beta_end = 0.02;    // beta_T at T = 1000 (all but cosine)
};
void describe(Describer& d, ScheduleOptions& options);

/// The tables of one schedule, in float64.
///   linear             betas from beta_start to beta_end as given (DDPM, arXiv:2006.11239, sec. 4)
///   linear_rescaled    the same times 1000 / T, so that any T ends at the same noise level
///                      (improved DDPM's code); refused where a beta would reach 1 (T <= 20 with
///                      the usual betas)
///   cosine             improved DDPM (arXiv:2102.09672), eq. 17, s = 0.008, beta <= 0.999
///   zero_terminal_snr  linear as given, shifted and scaled so that alpha_bar_T = 0
///                      (Lin et al. 2023, arXiv:2305.08891, algorithm 1); any T >= 2
class Schedule {
 public:
  /// Largest noise level of a schedule: sigma_T of zero_terminal_snr, which is infinite on paper.
  /// At 2^12 a picture adds 2^-24 to the variance of the noise: nothing in float32.
  static constexpr double kSigmaLimit = 4096.0;

  /// Throws ValueError for options that define no schedule.
  explicit Schedule(const ScheduleOptions& options);

  int64_t timesteps() const { return static_cast<int64_t>(betas_.size()); }  // T

  // t in 1..T; throw ValueError elsewhere. alpha_bar also takes t = 0, where it is 1.
  double beta(int64_t t) const;
  double alpha_bar(int64_t t) const;
  double sigma(int64_t t) const;
  double log_snr(int64_t t) const;

  /// t(sigma) in [1, T], linear in ln sigma between the timesteps, clamped at both ends.
  double timestep(double sigma) const;
  /// The same for a tensor of any shape; dtype and device of `sigma`.
  Tensor timestep(const Tensor& sigma) const;

 private:
  size_t index_of(const char* function, int64_t t) const;

  std::vector<double> betas_;       // [T]
  std::vector<double> alpha_bars_;  // [T]
  std::vector<double> log_sigmas_;  // [T], increasing
};

/// Throws ValueError where schedule and network cannot go together: at zero terminal SNR the noise
/// of x_T says nothing about x_0, so an eps network has no answer there (arXiv:2305.08891,
/// sec. 3.2).
void check_compatible(const ScheduleOptions& schedule, Parametrization parametrization);

enum class GridKind { karras, log_snr, leading, linspace, trailing };
NOISESCOPE_ENUM(GridKind, karras, log_snr, leading, linspace, trailing)

struct GridOptions {
  GridKind kind = GridKind::karras;
  int64_t steps = 20;        // S
  double sigma_min = 0.002;  // karras, log_snr: the last noise level before 0
  double sigma_max = 80.0;   // karras, log_snr: the first noise level
  double rho = 7.0;          // karras: larger puts more steps at low noise
};
void describe(Describer& d, GridOptions& options);

/// S + 1 noise levels, strictly decreasing, the last one 0.
///   karras    arXiv:2206.00364, eq. 5
///   log_snr   uniform in log-SNR between sigma_max and sigma_min
///   leading   t = 1 + i floor(T / S);  linspace  t = round(linspace(1, T, S));
///   trailing  t = round(T - i T / S)   (arXiv:2305.08891, table 2): these three read `schedule`
/// Throws ValueError for options that define no grid.
std::vector<double> sampling_sigmas(const GridOptions& options, const ScheduleOptions& schedule = {});

}  // namespace noisescope::diffusion
