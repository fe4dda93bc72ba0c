#include "noisescope/explain/trajectory_geometry.h"

#include <cmath>
#include <numbers>

#include <ATen/ops/linalg_qr.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

Tensor rows_of(const Tensor& pictures) { return pictures.to(torch::kCPU, torch::kFloat64).flatten(1); }

/// Angle in degrees between rows [..., N].
Tensor angle_between(const Tensor& a, const Tensor& b) {
  const Tensor cosine = (a * b).sum(-1) / (a.norm(2, -1) * b.norm(2, -1));
  return cosine.clamp(-1, 1).acos() * kDegrees;
}

/// Energy of states [S, B, N] inside the span of `first` and `last` [B, N].
Tensor plane_energy(const Tensor& states, const Tensor& first, const Tensor& last) {
  const Tensor basis = std::get<0>(at::linalg_qr(torch::stack({first, last}, 2)));  // [B, N, 2]
  const Tensor inside = states.permute({1, 0, 2}).matmul(basis);
  return inside.square().sum({1, 2}) / states.square().sum({0, 2});
}

/// log-SNR of the first step of the last stretch that lies within the tolerance; the last level where
/// the estimate never settles. deviations [S, B, H, W].
Tensor commitment(const Tensor& deviations, const std::vector<double>& log_snrs, double tolerance) {
  Tensor out = torch::full(deviations.sizes().slice(1), log_snrs.back(), torch::kFloat64);
  Tensor settled = torch::ones_like(out, torch::kBool);
  for (int64_t i = deviations.size(0) - 1; i >= 0; --i) {
    settled = settled & (deviations[i] <= tolerance);
    out = torch::where(settled, torch::full_like(out, log_snrs[static_cast<size_t>(i)]), out);
  }
  return out;
}

}  // namespace

TrajectoryGeometry trajectory_geometry(const std::vector<SamplerStep>& steps, const Tensor& picture, double tolerance) {
  if (steps.size() < 3) {
    throw ValueError(format_text("[explain.trajectory_geometry] expected at least 3 steps, got {}", steps.size()));
  }
  TrajectoryGeometry out;
  std::vector<Tensor> states, estimates, deviations;
  const Tensor final = picture.to(torch::kCPU, torch::kFloat64);
  for (const SamplerStep& step : steps) {
    if (!step.x.defined() || !step.prediction.denoised.defined()) {
      throw ValueError("[explain.trajectory_geometry] expected steps that keep x and the estimate");
    }
    out.log_snrs.push_back(log_snr_of(step.sigma));
    states.push_back(rows_of(step.x) / std::sqrt(1 + step.sigma * step.sigma));
    const Tensor estimate = step.prediction.denoised.to(torch::kCPU, torch::kFloat64);
    estimates.push_back(estimate.flatten(1));
    deviations.push_back((estimate - final).square().mean(1).sqrt());
  }
  const Tensor x = torch::stack(states), x0 = torch::stack(estimates);
  const Tensor widths = torch::tensor(out.log_snrs, torch::kFloat64).diff().unsqueeze(1);
  const Tensor moves = x.diff(1, 0);
  out.plane_energy = plane_energy(x, x[0], rows_of(picture));
  out.angle = angle_between(x, x[0].unsqueeze(0));
  out.turning = angle_between(moves.slice(0, 0, -1), moves.slice(0, 1));
  out.speed = x0.diff(1, 0).norm(2, 2) / widths;
  out.commitment = commitment(torch::stack(deviations), out.log_snrs, tolerance);
  return out;
}

void describe(AnswerDescriber& d, const TrajectoryGeometry& a) {
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels of the steps");
  d("plane_energy", a.plane_energy, "picture", "share", "of the energy in the plane of first noise and picture",
    {.higher = "nearer to a plain rotation from noise to picture"});
  d("angle", a.angle, "step picture", "degrees", "from the first state", {.x = "log_snrs", .null = 0});
  d("turning", a.turning, "turn picture", "degrees", "between successive moves", {.x = "log_snrs", .null = 0});
  d("speed", a.speed, "move picture", "pixel units per log-SNR", "change of the clean estimate", {.x = "log_snrs"});
  d("commitment", a.commitment, "picture y x", "log-SNR", "from which a pixel stays as it ends");
}

void describe(Describer& d, TrajectoryGeometryOptions& options) {
  d("tolerance", options.tolerance, "change of a pixel that still counts as none, pixel units", {.min = 0, .max = 10});
}

namespace {

TrajectoryGeometry ask_geometry(const Subject& subject, const TrajectoryGeometryOptions& options,
                                const Control& control) {
  return trajectory_geometry(subject.trajectory.steps(control), subject.trajectory.pictures(control).cpu(),
                             options.tolerance);
}

}  // namespace

Method trajectory_geometry_method() {
  return method("trajectory_geometry", "What happened between the first noise and the picture?", {.trajectory = true},
                free_of_cost<TrajectoryGeometryOptions>, ask_geometry);
}

}  // namespace noisescope::explain
