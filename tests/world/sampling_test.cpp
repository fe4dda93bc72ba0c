// Every deterministic sampler, run on the exact denoiser, draws what the caption says.
#include <gtest/gtest.h>

#include "noisescope/diffusion/sampler.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/parser.h"

namespace noisescope {
namespace {

/// The share of pictures of which their caption is true, over `count` captions.
double scene_accuracy(const char* member, Solver solver, int64_t count) {
  const WorldDenoiser exact{World(world_member(member))};
  const WorldParser parser(exact.world());
  std::vector<std::string> captions;
  const std::vector<std::string> all = exact.grammar().full_captions(SceneSet::all, true);
  for (int64_t i = 0; i < count; ++i) captions.push_back(all[size_t(i * 5) % all.size()]);

  const NoiseSource noise{Random(21), sample_range(0, count)};
  GridOptions grid;
  grid.steps = 50;
  const std::vector<double> sigmas = sampling_sigmas(grid);
  const Predictor predict = guide(exact.denoiser(), exact.condition_of(captions),
                                  exact.null_condition().expand({count, -1}), GuidanceOptions{});
  SamplerOptions options;
  options.solver = solver;
  const Tensor pictures = run_sampler(predict, sigmas[0] * noise.initial({3, 32, 32}), {sigmas, options, noise});
  const std::vector<ParsedScene> parsed = parser.parse(pictures);
  int64_t right = 0;
  for (size_t i = 0; i < parsed.size(); ++i) {
    right += agreement(parsed[i], exact.grammar().parse(captions[i])).joint ? 1 : 0;
  }
  return double(right) / double(count);
}

class ExactWorldSampling : public ::testing::TestWithParam<Solver> {};

TEST_P(ExactWorldSampling, SceneAccuracyIsOne) { EXPECT_EQ(scene_accuracy("demo", GetParam(), 64), 1.0); }

INSTANTIATE_TEST_SUITE_P(Deterministic, ExactWorldSampling,
                         ::testing::Values(Solver::ddim, Solver::euler, Solver::heun, Solver::dpmpp_2m),
                         [](const auto& instance) { return to_string(instance.param); });

class SlowExactWorldSampling : public ::testing::TestWithParam<Solver> {};

TEST_P(SlowExactWorldSampling, SceneAccuracyIsOneInTheFineWorldToo) {
  EXPECT_EQ(scene_accuracy("fine", GetParam(), 64), 1.0);
}

INSTANTIATE_TEST_SUITE_P(All, SlowExactWorldSampling,
                         ::testing::Values(Solver::ddpm, Solver::ddim, Solver::euler, Solver::heun, Solver::dpmpp_2m,
                                           Solver::dpmpp_2m_sde),
                         [](const auto& instance) { return to_string(instance.param); });

}  // namespace
}  // namespace noisescope
