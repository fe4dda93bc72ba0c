// Every solver draws the CPU's pictures on a device, and what is asked of a trajectory there is answered there.
#include "noisescope/diffusion/precondition.h"
#include "noisescope/diffusion/trajectory.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "tests/standin/device/small_network.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

using test::distance;
using test::expect_same;
using test::tested_device;

constexpr int64_t kPictures = 2;

Denoiser small_denoiser(torch::Device device) {
  const auto network = test::small_network(device);
  network->eval();
  return precondition([network](const Tensor& x, const Tensor& label,
                                const Tensor& condition) { return network->forward(x, label, condition); },
                      {});
}

Trajectory trajectory_of(const SamplerOptions& sampler, torch::Device device, const GuidanceOptions& guidance) {
  const NoiseSource noise{Random(1), sample_range(0, kPictures)};
  const Sampling sampling{small_denoiser(device), sampling_sigmas({.steps = 5, .sigma_min = 0.1, .sigma_max = 20}),
                          sampler, guidance, kPictures};
  const Tensor condition = test::small_conditions(0, kPictures);
  return {
      sampling,
      {condition.to(device), torch::zeros_like(condition).to(device), noise.initial({3, 16, 16}).to(device), noise}};
}

std::vector<SamplerOptions> every_solver() {
  std::vector<SamplerOptions> all;
  for (const auto& [solver, name] : enum_names(Solver{})) all.push_back({.solver = solver});
  all.push_back({.solver = Solver::ddim, .eta = 0.5});
  all.push_back({.solver = Solver::heun, .churn = 10});
  return all;
}

TEST(SamplingOnDevice, EverySolverDrawsThePicturesOfTheCpu) {
  for (const SamplerOptions& sampler : every_solver()) {
    const GuidanceOptions guidance{.scale = 2, .rescale = 0.5, .clamp = 1};
    const Tensor on_cpu = trajectory_of(sampler, torch::kCPU, guidance).redraw();
    expect_same(trajectory_of(sampler, tested_device(), guidance).redraw(), on_cpu, 1e-5, to_string(sampler.solver));
  }
}

TEST(SamplingOnDevice, RecordsTheStepsOfTheCpu) {
  const GuidanceOptions guidance{.scale = 2, .sigma_min = 0.5, .sigma_max = 10};
  const Trajectory on_cpu = trajectory_of({.solver = Solver::dpmpp_2m_sde}, torch::kCPU, guidance);
  const Trajectory found = trajectory_of({.solver = Solver::dpmpp_2m_sde}, tested_device(), guidance);
  ASSERT_EQ(found.steps().size(), on_cpu.steps().size());
  const double bound = 1e-5 * test::rounding();
  for (size_t i = 0; i < found.steps().size(); ++i) {
    const SamplerStep &a = found.steps()[i], &b = on_cpu.steps()[i];
    EXPECT_TRUE(a.x.is_cpu());
    EXPECT_LE(distance(a.x, b.x), bound);
    EXPECT_LE(distance(a.prediction.denoised, b.prediction.denoised), bound);
    EXPECT_LE(distance(a.prediction.conditional, b.prediction.conditional), bound);
    EXPECT_LE(distance(a.prediction.unconditional, b.prediction.unconditional), bound);
  }
}

TEST(SamplingOnDevice, ChangesWhatTheCpuChanges) {
  const SamplerOptions sampler{.solver = Solver::dpmpp_2m};
  const Tensor other = test::small_conditions(7, kPictures);
  const std::vector<Change> changes = {{.step = 2, .condition = other},
                                       {.step = 1, .scale = 3},
                                       {.step = 2, .window = ScaleWindow{-3, 1, 3}},
                                       {.step = 2, .block = NoiseBlock{2, 3, 4, 5, Random(5)}},
                                       {.step = 1, .remaining_noise = Random(9)},
                                       {.prompted = [](double log_snr) { return log_snr > -2; }}};
  const GuidanceOptions guidance{.scale = 2};
  const Trajectory on_cpu = trajectory_of(sampler, torch::kCPU, guidance);
  const Trajectory found = trajectory_of(sampler, tested_device(), guidance);
  for (size_t k = 0; k < changes.size(); ++k) {
    Change here = changes[k];
    if (here.condition.defined()) here.condition = here.condition.to(tested_device());
    expect_same(found.redraw(here), on_cpu.redraw(changes[k]), 1e-5, std::to_string(k));
  }
}

}  // namespace
}  // namespace noisescope
