#include "noisescope/explain/trajectory_geometry.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"

namespace noisescope {
namespace {

SamplerStep step_at(double sigma, const Tensor& x, const Tensor& denoised) {
  SamplerStep step;
  step.sigma = sigma;
  step.x = x;
  step.prediction.denoised = denoised;
  return step;
}

/// A deterministic run on N(0, variance) data of 4 pixels.
struct TrajectoryGeometryGaussianRun {
  explicit TrajectoryGeometryGaussianRun(const Tensor& variance) {
    const GaussianData data(torch::zeros({4}, torch::kDouble), variance);
    TrajectoryRecorder recorder{RecorderOptions{}};
    const auto sigmas = sampling_sigmas({GridKind::log_snr, 200, 0.01, 50.0, 7.0});
    GuidanceOptions guidance;
    guidance.clamp = 0;
    const NoiseSource noise{Random(1), {0, 1, 2}};
    picture = run_sampler(
        guide(data.denoiser(), torch::zeros({3, 1}, torch::kDouble), torch::zeros({3, 1}, torch::kDouble), guidance),
        noise.initial({1, 2, 2}, torch::kDouble) * sigmas[0], {sigmas, {.solver = Solver::heun}, noise},
        recorder.observer());
    steps = recorder.steps();
  }
  std::vector<SamplerStep> steps;
  Tensor picture;
};

// Wang & Vastola 2023: with equal variances the run never leaves its direction; otherwise each
// eigendirection shrinks by its own factor, so that angle and plane follow from the flow.
TEST(TrajectoryGeometry, FollowsTheGaussianFlow) {
  const TrajectoryGeometryGaussianRun line(torch::full({4}, 0.5));
  const TrajectoryGeometry straight = trajectory_geometry(line.steps, line.picture);
  EXPECT_LT(straight.angle.max().item<double>(), 0.05);
  EXPECT_GT(straight.plane_energy.min().item<double>(), 1 - 1e-8);

  const Tensor variance = torch::tensor({1.0, 0.0001, 0.0001, 0.0001}, torch::kDouble);
  const TrajectoryGeometryGaussianRun turn(variance);
  const TrajectoryGeometry turned = trajectory_geometry(turn.steps, turn.picture);
  const double first = turn.steps.front().sigma;
  const size_t middle = turn.steps.size() / 2;
  const double sigma = turn.steps[middle].sigma;
  const Tensor start = turn.steps[0].x.flatten(1).to(torch::kDouble);
  const Tensor flow = start * ((variance + sigma * sigma) / (variance + first * first)).sqrt();
  const Tensor cosine = (flow * start).sum(1) / (flow.norm(2, 1) * start.norm(2, 1));
  const Tensor expected = cosine.acos() * (180 / 3.14159265358979);
  EXPECT_LT((turned.angle[static_cast<int64_t>(middle)] - expected).abs().max().item<double>(), 0.2);
  // One direction grows against the others: everything lies in one plane.
  EXPECT_GT(turned.plane_energy.min().item<double>(), 1 - 1e-6);
}

TEST(TrajectoryGeometry, CommitmentIsTheStartOfTheLastSettledStretch) {
  const auto at = [](double value) { return torch::full({1, 1, 1, 2}, value, torch::kDouble); };
  const Tensor final = at(1.0);
  std::vector<SamplerStep> steps;
  const std::vector<double> estimates = {1.0, 0.2, 0.95, 1.02, 1.0};  // settled, lost, settled
  for (size_t i = 0; i < estimates.size(); ++i) {
    steps.push_back(step_at(std::exp(-0.5 * double(i)), at(double(i) + 1), at(estimates[i])));
  }
  const TrajectoryGeometry g = trajectory_geometry(steps, final, 0.1);
  EXPECT_NEAR(g.commitment.max().item<double>(), 2.0, 1e-9);
  EXPECT_NEAR(g.speed[0][0].item<double>(), 0.8 * std::sqrt(2.0), 1e-9);
}

TEST(TrajectoryGeometry, RefusesWhatIsNoRun) {
  const Tensor x = torch::ones({1, 1, 1, 1});
  EXPECT_THROW(trajectory_geometry({step_at(1, x, x), step_at(0.5, x, x)}, x), ValueError);
  EXPECT_THROW(trajectory_geometry({step_at(1, x, {}), step_at(0.5, x, x), step_at(0.2, x, x)}, x), ValueError);
}

}  // namespace
}  // namespace noisescope
