#include "noisescope/explain/rewind.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"

namespace noisescope {
namespace {

constexpr double kRewindVariance = 0.5;

std::vector<double> falling(int64_t steps) {
  std::vector<double> sigmas;
  for (int64_t i = 0; i < steps; ++i) {
    sigmas.push_back(sigma_of_log_snr(-4 + 10 * double(i) / double(steps - 1)));
  }
  sigmas.push_back(0);
  return sigmas;
}

/// Pictures [2, 1, 2, 4] that all move with y: x_0 = y + residual; drawn with y = 1.
struct GaussianRun {
  GaussianData data{torch::zeros({8}, torch::kDouble), torch::full({8}, kRewindVariance, torch::kDouble),
                    torch::ones({8, 1}, torch::kDouble)};
  Tensor pictures;

  static Tensor condition_of(double y) { return torch::tensor({y, 1.0}, torch::kDouble).expand({2, 2}).contiguous(); }
  /// The same run from the start, with other settings.
  static Tensor draw(const Sampling& sampling, const TrajectoryStart& start, const SamplerObserver& observer = {}) {
    return run_sampler(guide(sampling.denoiser, start.condition, start.null_condition, sampling.guidance),
                       start.initial * sampling.sigmas[0], {sampling.sigmas, sampling.sampler, start.noise}, observer);
  }
  Sampling sampling(Solver solver, int64_t steps, double scale) const {
    return {data.denoiser(), falling(steps), {.solver = solver}, {.scale = scale, .clamp = 0}};
  }
  static TrajectoryStart start() {
    const NoiseSource noise{Random(3), {0, 7}};
    return {condition_of(1), torch::zeros({2, 2}, torch::kDouble), noise.initial({1, 2, 4}), noise};
  }
  Trajectory record(Solver solver, int64_t steps = 12, double scale = 1) {
    TrajectoryRecorder recorder{RecorderOptions{}};
    pictures = draw(sampling(solver, steps, scale), start(), recorder.observer());
    return {sampling(solver, steps, scale), start(), recorder.steps()};
  }
};

TEST(Rewind, NothingAlteredIsTheOriginalRunBitForBit) {
  for (const Solver solver :
       {Solver::ddpm, Solver::ddim, Solver::euler, Solver::heun, Solver::dpmpp_2m, Solver::dpmpp_2m_sde}) {
    GaussianRun g;
    const Trajectory run = g.record(solver, 12, 2.5);
    for (const int64_t step : {0, 5, 11}) {
      const Rewound rewound = rewind(run, {.step = step});
      EXPECT_TRUE(torch::equal(rewound.unaltered, g.pictures)) << to_string(solver) << step;
      EXPECT_EQ(rewound.change.abs().max().item<double>(), 0) << to_string(solver) << step;
      EXPECT_EQ(rewound.divergence.size(0), 12 - step);
    }
  }
}

// Song et al. 2021 (arXiv:2011.13456), eq. 13, for a Gaussian: x - mean shrinks by sqrt(s / (s + sigma^2)),
// so another mean from level sigma on moves the picture by (1 - that) times the difference of means.
TEST(Rewind, AnotherConditionMovesAGaussianAsTheFlowSays) {
  GaussianRun g;
  const Trajectory run = g.record(Solver::ddim, 800);
  for (const int64_t step : {0, 300, 500}) {
    const double variance = std::pow(run.steps()[size_t(step)].sigma, 2);
    const Rewound rewound = rewind(run, {.step = step, .condition = GaussianRun::condition_of(-0.5)});
    const double expected = -1.5 * (1 - std::sqrt(kRewindVariance / (kRewindVariance + variance)));
    EXPECT_LT((rewound.altered - rewound.unaltered - expected).abs().max().item<double>(), 0.006) << step;
    EXPECT_LT((rewound.change - expected * expected).abs().max().item<double>(), 0.02) << step;
  }
}

// The estimates of the first step start from the same x: they differ by sigma^2 / (s + sigma^2) of the
// difference of means.
TEST(Rewind, DivergenceStartsWithTheChangeOfTheEstimate) {
  GaussianRun g;
  const Trajectory run = g.record(Solver::ddim);
  const double variance = std::pow(run.steps()[4].sigma, 2);
  const Rewound rewound = rewind(run, {.step = 4, .condition = GaussianRun::condition_of(-0.5)});
  EXPECT_LT((rewound.divergence[0] - 1.5 * variance / (kRewindVariance + variance)).abs().max().item<double>(), 1e-5);
}

TEST(Rewind, AlteredFromTheStartIsTheOtherRun) {
  GaussianRun g;
  const Trajectory run = g.record(Solver::ddpm, 12, 2.0);
  const Sampling sampling = g.sampling(Solver::ddpm, 12, 2.0);
  EXPECT_TRUE(torch::equal(rewind(run, {.scale = 0.5}).altered,
                           g.draw(g.sampling(Solver::ddpm, 12, 0.5), GaussianRun::start())));
  TrajectoryStart other = GaussianRun::start();
  other.condition = GaussianRun::condition_of(-2);
  EXPECT_TRUE(torch::equal(rewind(run, {.condition = other.condition}).altered, g.draw(sampling, other)));
  other = GaussianRun::start();
  other.noise.random = Random(99);
  const Rewound renoised = rewind(run, {.remaining_noise = Random(99)});
  EXPECT_TRUE(torch::equal(renoised.altered, g.draw(sampling, other)));
  EXPECT_GT(renoised.change.min().item<double>(), 0);
  // The last step of ddpm adds no noise.
  EXPECT_EQ(rewind(run, {.step = 11, .remaining_noise = Random(99)}).change.max().item<double>(), 0);
}

TEST(Rewind, ABlockOfNoiseMovesItsOwnPixelsAlone) {
  GaussianRun g;  // independent pixels
  const Trajectory run = g.record(Solver::ddim);
  const Rewound rewound =
      rewind(run, {.step = 3, .block = NoiseBlock{.top = 0, .left = 1, .height = 1, .width = 2, .random = Random(5)}});
  Tensor inside = torch::zeros({2, 4}, torch::kBool);
  inside[0].slice(0, 1, 3).fill_(true);
  EXPECT_TRUE(torch::equal(rewound.change > 0, inside.expand({2, 2, 4})));
}

// The new noise is standard normal about the recorded estimate.
TEST(Rewind, ABlockOfNoiseIsNoiseOfItsLevel) {
  const int64_t count = 400;
  const Denoiser zero = [](const Tensor& x, const Tensor&, const Tensor&) { return torch::zeros_like(x); };
  const Tensor null = torch::zeros({count, 1});
  SamplerStep step{0, 1, 3.0, 0.0, torch::zeros({count, 1, 4, 4}), {torch::full({count, 1, 4, 4}, 0.5), {}, {}}};
  // With one step to 0 the altered picture is D; heard through the estimate instead.
  Tensor seen;
  const Denoiser listen = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    seen = x;
    return zero(x, sigma, condition);
  };
  const Trajectory run({listen, {3, 0}, {.solver = Solver::ddim}, {.clamp = 0}, count},
                       {null, null, torch::zeros({count, 1, 4, 4}), {Random(1), sample_range(0, count)}}, {step});
  rewind(run, {.block = NoiseBlock{0, 0, 4, 4, Random(2)}});
  const Tensor eps = ((seen - 0.5) / 3).to(torch::kDouble);
  EXPECT_NEAR(eps.mean().item<double>(), 0, 4 / std::sqrt(6400.0));
  EXPECT_NEAR(eps.var().item<double>(), 1, 4 * std::sqrt(2 / 6400.0));
}

TEST(Rewind, FactorsThatTheAlterationChanged) {
  const Tensor before = torch::tensor({{1.0, 2.0}, {3.0, 4.0}}).view({2, 1, 1, 2});
  const Tensor after = torch::tensor({{1.0, 5.0}, {3.0, 4.0}}).view({2, 1, 1, 2});
  const Rewound rewound{before, after, {}, {}};
  const Tensor changed = changed_factors(rewound, [](const Tensor& x) { return x.flatten(1); });
  EXPECT_TRUE(torch::equal(changed, torch::tensor({{false, true}, {false, false}})));
}

TEST(Rewind, RefusesBadInput) {
  GaussianRun g;
  const Trajectory good = g.record(Solver::ddim);
  EXPECT_THROW(rewind(good, {.step = 12}), ValueError);
  EXPECT_THROW(rewind(good, {.step = -1}), ValueError);
  EXPECT_THROW(rewind(good, {.block = NoiseBlock{0, 2, 2, 3, Random(1)}}), ValueError);
  EXPECT_THROW(rewind(good, {.block = NoiseBlock{0, 0, 0, 1, Random(1)}}), ValueError);
  EXPECT_THROW(rewind(good, {.condition = torch::zeros({3, 2}, torch::kDouble)}), ShapeError);
  const auto recorded = [&](const std::vector<SamplerStep>& steps) {
    return Trajectory(good.sampling(), GaussianRun::start(), steps);
  };
  std::vector<SamplerStep> bad = good.steps();
  bad[2].x = bad[2].x * std::nan("");
  try {
    rewind(recorded(bad), {.step = 2});
    ADD_FAILURE() << "no error";
  } catch (const NumericError& error) {  // not that of the sampler, which comes too late to blame the record
    EXPECT_NE(std::string(error.what()).find("recorded images"), std::string::npos) << error.what();
  }
  bad[2].x = Tensor();
  EXPECT_THROW(rewind(recorded(bad), {.step = 2}), ValueError);
  bad = good.steps();
  bad[1].prediction.denoised = Tensor();
  EXPECT_THROW(rewind(recorded(bad), {.step = 1, .block = NoiseBlock{0, 0, 1, 1, Random(1)}}), ValueError);
  bad.insert(bad.end(), good.steps().begin(), good.steps().end());  // two batches
  EXPECT_THROW(recorded(bad), ValueError);
  EXPECT_THROW(recorded({}), ValueError);
}

}  // namespace
}  // namespace noisescope
