#include "noisescope/live/solver.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace noisescope::live {
namespace {

void add_scaled(Floats& x, double factor, const Floats& noise) {
  const auto f = static_cast<float>(factor);
  for (size_t i = 0; i < x.size(); ++i) x[i] += f * noise[i];
}

double square(double x) { return x * x; }

}  // namespace

Floats mix(double a, const Floats& u, double b, const Floats& v) {
  const auto fa = static_cast<float>(a), fb = static_cast<float>(b);
  Floats out(u.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = fa * u[i] + fb * v[i];
  return out;
}

void LiveSolverRun::recall(Floats denoised, double h) {
  previous_ = std::move(denoised);
  previous_h_ = h;
}

/// Heun with churn: arXiv:2206.00364, algorithm 2, lines 4-6.
void LiveSolverRun::prepare(SolverStep& step) const {
  const SolverSettings& s = settings_;
  if (s.solver != LiveSolver::heun || s.churn <= 0) return;
  if (step.sigma < s.churn_sigma_min || step.sigma > s.churn_sigma_max) return;
  const double gamma = std::min(s.churn / static_cast<double>(step.count), std::numbers::sqrt2 - 1);
  const double raised = step.sigma * (1 + gamma);
  add_scaled(step.x, s.churn_noise * std::sqrt(square(raised) - square(step.sigma)), step.noise());
  step.sigma = raised;
}

Floats LiveSolverRun::ddim(const SolverStep& step) const {
  const double ratio = step.sigma_next / step.sigma;
  const double up = settings_.eta * step.sigma_next * std::sqrt(1 - square(ratio));
  const double down = std::sqrt(square(step.sigma_next) - square(up)) / step.sigma;
  Floats x = mix(1 - down, step.denoised, down, step.x);
  if (up > 0) add_scaled(x, up, step.noise());
  return x;
}

Floats LiveSolverRun::ddpm(const SolverStep& step) const {
  const double kept = square(step.sigma_next / step.sigma);
  Floats x = mix(1 - kept, step.denoised, kept, step.x);
  if (step.sigma_next == 0) return x;
  double variance = square(step.sigma_next) * (1 - kept);
  if (settings_.variance == LiveVariance::upper) {
    const double now = square(step.sigma), next = square(step.sigma_next);
    variance = (1 + next) * (now - next) / (1 + now);
  }
  if (settings_.variance == LiveVariance::previous) variance = square(step.sigma_next) - square(step.sigma_after);
  add_scaled(x, std::sqrt(variance), step.noise());
  return x;
}

/// Lines 7-11.
Floats LiveSolverRun::heun(const SolverStep& step) const {
  const double h = step.sigma_next - step.sigma;
  const Floats slope = mix(1 / step.sigma, step.x, -1 / step.sigma, step.denoised);
  Floats guess = mix(1, step.x, h, slope);
  if (step.sigma_next == 0) return guess;
  const Floats there = step.denoise(guess, step.sigma_next);
  const Floats slope_next = mix(1 / step.sigma_next, guess, -1 / step.sigma_next, there);
  Floats x = mix(1, step.x, h / 2, slope);
  add_scaled(x, h / 2, slope_next);
  return x;
}

Floats LiveSolverRun::extrapolated(const SolverStep& step, double h) {
  Floats estimate = step.denoised;
  if (!previous_.empty()) {
    const double share = h / (2 * previous_h_);
    estimate = mix(1 + share, step.denoised, -share, previous_);
  }
  recall(step.denoised, h);
  return estimate;
}

Floats LiveSolverRun::advance(const SolverStep& step) {
  const bool is_last = step.sigma_next == 0;
  const double h = is_last ? 0 : std::log(step.sigma / step.sigma_next), ratio = step.sigma_next / step.sigma;
  switch (settings_.solver) {
    case LiveSolver::ddim:
      return ddim(step);
    case LiveSolver::ddpm:
      return ddpm(step);
    case LiveSolver::heun:
      return heun(step);
    case LiveSolver::euler:
      return mix(ratio, step.x, 1 - ratio, step.denoised);
    case LiveSolver::dpmpp_2m:
      return is_last ? step.denoised : mix(ratio, step.x, -std::expm1(-h), extrapolated(step, h));
    case LiveSolver::dpmpp_2m_sde:
      break;
  }
  if (is_last) return step.denoised;
  const double gain = -std::expm1(-2 * h);
  Floats x = mix(ratio * std::exp(-h), step.x, gain, extrapolated(step, h));
  add_scaled(x, step.sigma_next * std::sqrt(gain), step.noise());
  return x;
}

}  // namespace noisescope::live
