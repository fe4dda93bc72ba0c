#include "noisescope/diffusion/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::diffusion {
namespace {

/// Timesteps of the schedule that beta_start and beta_end were chosen for.
constexpr double kReferenceTimesteps = 1000.0;
/// Offset s of the cosine schedule: keeps beta_1 from vanishing.
constexpr double kCosineOffset = 0.008;
constexpr double kCosineMaxBeta = 0.999;

std::vector<double> linear_betas(const ScheduleOptions& options, double factor) {
  const auto count = static_cast<size_t>(options.timesteps);
  std::vector<double> betas(count);
  for (size_t i = 0; i < count; ++i) {
    const double position = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0;
    betas[i] = factor * std::lerp(options.beta_start, options.beta_end, position);
  }
  return betas;
}

std::vector<double> cosine_betas(int64_t timesteps) {
  const auto f = [&](int64_t t) {
    const double phase =
        (static_cast<double>(t) / static_cast<double>(timesteps) + kCosineOffset) / (1 + kCosineOffset);
    return std::pow(std::cos(phase * std::numbers::pi / 2), 2);
  };
  std::vector<double> betas;
  for (int64_t t = 1; t <= timesteps; ++t) {
    betas.push_back(std::min(1 - f(t) / f(t - 1), kCosineMaxBeta));
  }
  return betas;
}

std::vector<double> cumulative_alphas(const std::vector<double>& betas) {
  std::vector<double> out;
  double product = 1;
  for (const double beta : betas) out.push_back(product *= 1 - beta);
  return out;
}

/// arXiv:2305.08891, algorithm 1: shift and scale sqrt(alpha_bar) so that its end is 0 and its
/// beginning stays.
std::vector<double> zero_terminal_betas(const std::vector<double>& betas) {
  const std::vector<double> alpha_bars = cumulative_alphas(betas);
  const double first = std::sqrt(alpha_bars.front());
  const double last = std::sqrt(alpha_bars.back());
  std::vector<double> out;
  double previous = 1;
  for (const double alpha_bar : alpha_bars) {
    const double root = (std::sqrt(alpha_bar) - last) * first / (first - last);
    out.push_back(1 - root * root / previous);
    previous = root * root;
  }
  return out;
}

void check_betas(const ScheduleOptions& options, const std::vector<double>& betas) {
  const bool ends_in_one = options.kind == ScheduleKind::zero_terminal_snr;
  for (size_t i = 0; i < betas.size(); ++i) {
    const bool may_be_one = ends_in_one && i + 1 == betas.size();
    if (betas[i] > 0 && (betas[i] < 1 || may_be_one)) continue;
    throw ValueError(
        format_text("[diffusion.Schedule] expected every beta in (0, 1), "
                    "got beta_{} = {} for a {} schedule of {} timesteps; check beta_start and beta_end",
                    i + 1, betas[i], to_string(options.kind), betas.size()));
  }
}

std::vector<double> make_betas(const ScheduleOptions& options) {
  switch (options.kind) {
    case ScheduleKind::linear:
      return linear_betas(options, 1);
    case ScheduleKind::linear_rescaled:
      return linear_betas(options, kReferenceTimesteps / static_cast<double>(options.timesteps));
    case ScheduleKind::cosine:
      return cosine_betas(options.timesteps);
    case ScheduleKind::zero_terminal_snr:
      return zero_terminal_betas(linear_betas(options, 1));
  }
  throw ValueError("[diffusion.Schedule] expected a schedule type, got an unknown one");
}

/// What the ranges of the fields alone do not say.
void check(const ScheduleOptions& options) {
  check_options("diffusion.Schedule", options);
  if (options.kind == ScheduleKind::zero_terminal_snr && options.timesteps < 2) {
    throw ValueError("[diffusion.Schedule] expected at least 2 timesteps for a zero_terminal_snr schedule, got 1");
  }
  if (options.kind == ScheduleKind::cosine) return;
  if (options.beta_start > options.beta_end) {
    throw ValueError(format_text("[diffusion.Schedule] expected beta_start <= beta_end, got {} and {}",
                                 options.beta_start, options.beta_end));
  }
  if (options.kind != ScheduleKind::linear_rescaled) return;
  const double factor = kReferenceTimesteps / static_cast<double>(options.timesteps);
  const double last = options.beta_end * factor;
  if (last >= 1) {
    throw ValueError(
        format_text("[diffusion.Schedule] expected more than 1000 beta_end timesteps for a "
                    "linear_rescaled schedule, got {}, where beta_T would be {}; "
                    "use cosine or zero_terminal_snr for so few",
                    options.timesteps, last));
  }
}

}  // namespace

void describe(Describer& d, ScheduleOptions& options) {
  d("kind", options.kind,
    "how the betas run: linear (as given), linear_rescaled (by 1000 / T), "
    "cosine, zero_terminal_snr",
    {.was = "type"});
  d("timesteps", options.timesteps, "T, number of discrete timesteps", {.min = 1, .max = 1000000});
  d("beta_start", options.beta_start, "beta_1 of a linear schedule", {.min = 0, .max = 1, .above_min = true});
  d("beta_end", options.beta_end, "beta_T of a linear schedule", {.min = 0, .max = 1, .above_min = true});
}

Schedule::Schedule(const ScheduleOptions& options) {
  check(options);
  betas_ = make_betas(options);
  check_betas(options, betas_);
  alpha_bars_ = cumulative_alphas(betas_);
  for (const double alpha_bar : alpha_bars_) {
    const double sigma = std::sqrt((1 - alpha_bar) / alpha_bar);
    log_sigmas_.push_back(std::log(std::min(sigma, kSigmaLimit)));
  }
}

size_t Schedule::index_of(const char* function, int64_t t) const {
  if (t >= 1 && t <= timesteps()) return static_cast<size_t>(t - 1);
  throw ValueError(format_text("[diffusion.Schedule.{}] expected t in 1..{}, got {}", function, timesteps(), t));
}

double Schedule::beta(int64_t t) const { return betas_[index_of("beta", t)]; }

double Schedule::alpha_bar(int64_t t) const { return t == 0 ? 1.0 : alpha_bars_[index_of("alpha_bar", t)]; }

double Schedule::sigma(int64_t t) const { return std::exp(log_sigmas_[index_of("sigma", t)]); }

double Schedule::log_snr(int64_t t) const { return -2 * log_sigmas_[index_of("log_snr", t)]; }

double Schedule::timestep(double sigma) const {
  return timestep(torch::tensor({sigma}, torch::kFloat64)).item<double>();
}

Tensor Schedule::timestep(const Tensor& sigma) const {
  const Tensor table = to_device(torch::tensor(log_sigmas_, torch::kFloat64), sigma.device());
  if (timesteps() == 1) return torch::ones_like(sigma);
  const Tensor level = sigma.to(torch::kFloat64).log().clamp(log_sigmas_.front(), log_sigmas_.back());
  const Tensor right = torch::searchsorted(table, level.contiguous()).clamp(1, timesteps() - 1);
  const Tensor low = table.take(right - 1);
  const Tensor high = table.take(right);
  return (right + (level - low) / (high - low)).to(sigma.scalar_type());
}

void check_compatible(const ScheduleOptions& schedule, Parametrization parametrization) {
  if (schedule.kind != ScheduleKind::zero_terminal_snr) return;
  if (parametrization != Parametrization::eps) return;
  throw ValueError(
      "[diffusion.check_compatible] expected a v, x0 or edm network for a zero_terminal_snr "
      "schedule, got an eps network; at zero SNR the noise says nothing about the image");
}

}  // namespace noisescope::diffusion
