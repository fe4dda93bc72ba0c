#include "noisescope/diffusion/sampler.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/schedule.h"
#include "tests/diffusion/sampler_table.h"

namespace noisescope {
namespace {

using test::all_samplers;
using test::sampler_named;

/// D(x, sigma) = tanh(x / (1 + sigma^2)): smooth, not linear, the same in every reference.
Prediction smooth(const Tensor& x, const Tensor& sigma) {
  const Tensor denoised = (x / (1 + per_sample(sigma).square())).tanh();
  return {denoised, denoised, Tensor()};
}

std::vector<double> short_grid() { return {20.0, 6.0, 2.0, 0.7, 0.2, 0.05, 0.0}; }

Tensor start(const NoiseSource& noise, double sigma, torch::Dtype dtype = torch::kFloat64) {
  return noise.initial({2, 3, 4}, dtype) * sigma;
}

// Independent reference: `diffusers` (tests/reference/make_scheduler_golden.py).
TEST(Sampler, EveryStepEqualsDiffusers) {
  std::ifstream file(NOISESCOPE_SOURCE_DIR "/tests/golden/schedulers.json");
  const auto golden = nlohmann::json::parse(file);
  const NoiseSource noise{Random(golden["seed"]), golden["sample_ids"]};
  const std::vector<int64_t> shape = golden["shape"];
  for (const auto& [name, run] : golden["samplers"].items()) {
    const std::string sampler = name == "dpmpp_2m_karras" ? "dpmpp_2m" : name;
    const std::vector<double> sigmas = run["sigmas"];
    std::vector<Tensor> states;
    const Tensor last =
        run_sampler(smooth, noise.initial(shape, torch::kFloat64) * sigmas[0], {sigmas, sampler_named(sampler), noise},
                    [&](const SamplerStep& step) { states.push_back(step.x); });
    states.push_back(last);
    ASSERT_EQ(states.size(), run["states"].size() + 1) << name;
    for (size_t i = 0; i < run["states"].size(); ++i) {
      const Tensor expected = torch::tensor(run["states"][i].get<std::vector<double>>(), torch::kFloat64);
      const double scale = std::max(1.0, sigmas[i + 1]);
      const double error = (states[i + 1].flatten() - expected).abs().max().item<double>() / scale;
      EXPECT_LT(error, run["tolerance"].get<double>()) << name << " step " << i;
    }
  }
}

TEST(Sampler, ImageKOfABatchEqualsImageKAlone) {
  for (const auto& [name, options] : all_samplers()) {
    const NoiseSource together{Random(3), {4, 0, 9}};
    const Tensor batch = run_sampler(smooth, start(together, 20), {short_grid(), options, together});
    for (int64_t k = 0; k < 3; ++k) {
      const NoiseSource alone{Random(3), {together.sample_ids[static_cast<size_t>(k)]}};
      const Tensor single = run_sampler(smooth, start(alone, 20), {short_grid(), options, alone});
      EXPECT_TRUE(torch::equal(batch[k], single[0])) << name << " image " << k;
    }
  }
}

TEST(Sampler, RunsTwiceTheSameAndKeepsTheDtype) {
  for (const auto& [name, options] : all_samplers()) {
    const NoiseSource noise{Random(3), {0, 1}};
    const Tensor x = start(noise, 20, torch::kFloat32);
    const Tensor before = x.clone();
    const Tensor first = run_sampler(smooth, x, {short_grid(), options, noise});
    EXPECT_TRUE(torch::equal(first, run_sampler(smooth, x, {short_grid(), options, noise}))) << name;
    EXPECT_TRUE(torch::equal(x, before)) << name << " wrote into its input";
    EXPECT_EQ(first.scalar_type(), torch::kFloat32) << name;
    const Tensor wide = run_sampler(smooth, start(noise, 20), {short_grid(), options, noise});
    EXPECT_LT((wide - first).abs().max().item<double>(), 1e-4) << name;
  }
}

/// All but Dpmpp2m and Dpmpp2mSde, which remember the step before.
bool is_one_step(Solver solver) { return solver != Solver::dpmpp_2m && solver != Solver::dpmpp_2m_sde; }

TEST(Sampler, ARunThatGoesOnFromItsMiddleEqualsTheWholeRun) {
  for (const auto& [name, options] : all_samplers()) {
    if (!is_one_step(options.solver)) continue;
    const NoiseSource noise{Random(3), {0, 1}};
    std::vector<Tensor> states;
    const Tensor whole = run_sampler(smooth, start(noise, 20), {short_grid(), options, noise},
                                     [&](const SamplerStep& step) { states.push_back(step.x); });
    if (options.churn > 0) continue;  // observers see the state after the noise was added
    const std::vector<double> grid = short_grid();
    const Tensor rest =
        run_sampler(smooth, states[2], {{grid.begin() + 2, grid.end()}, options, {noise.random, noise.sample_ids, 2}});
    EXPECT_TRUE(torch::equal(rest, whole)) << name;
  }
}

TEST(Sampler, NoiseOfOneStepFromElsewhereChangesTheRunFromThereOn) {
  const SamplerOptions ddpm{.solver = Solver::ddpm};
  const NoiseSource noise{Random(3), {0, 1}};
  NoiseSource other = noise;
  other.random_of_step = [](uint64_t step) { return Random(step == 2 ? 4 : 3); };
  const auto states = [&](const NoiseSource& source) {
    std::vector<Tensor> all;
    run_sampler(smooth, start(noise, 20), {short_grid(), ddpm, source},
                [&](const SamplerStep& step) { all.push_back(step.x); });
    return all;
  };
  const std::vector<Tensor> a = states(noise), b = states(other);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(torch::equal(a[i], b[i]), i <= 2) << i;
}

TEST(Sampler, ObserverSeesConsistentStepsThatNobodyWritesInto) {
  for (const auto& [name, options] : all_samplers()) {
    const NoiseSource noise{Random(3), {0, 1}};
    std::vector<SamplerStep> steps;
    std::vector<Tensor> copies;
    run_sampler(smooth, start(noise, 20), {short_grid(), options, noise}, [&](const SamplerStep& step) {
      steps.push_back(step);
      copies.push_back(step.x.clone());
    });
    ASSERT_EQ(steps.size(), 6u) << name;
    for (size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(steps[i].index, static_cast<int64_t>(i)) << name;
      EXPECT_EQ(steps[i].count, 6) << name;
      EXPECT_GE(steps[i].sigma, short_grid()[i]) << name;
      EXPECT_EQ(steps[i].sigma_next, short_grid()[i + 1]) << name;
      EXPECT_TRUE(torch::equal(steps[i].x, copies[i])) << name;
      const Tensor level = torch::full({2}, steps[i].sigma, torch::kFloat64);
      EXPECT_TRUE(torch::equal(steps[i].prediction.denoised, smooth(steps[i].x, level).denoised))
          << name << " step " << i;
    }
  }
}

// arXiv:2010.02502, section 4.1: eta = 1 is DDPM with the posterior variance.
TEST(Sampler, DdimWithEtaOneEqualsDdpmPosterior) {
  const NoiseSource noise{Random(3), {0, 1}};
  const Tensor ddim = run_sampler(smooth, start(noise, 20), {short_grid(), sampler_named("ddim_1.0"), noise});
  const Tensor ddpm = run_sampler(smooth, start(noise, 20), {short_grid(), sampler_named("ddpm_posterior"), noise});
  EXPECT_LT((ddim - ddpm).abs().max().item<double>(), 1e-12);
}

TEST(Sampler, DdimWithoutNoiseIsEulerInSigma) {
  const NoiseSource noise{Random(3), {0, 1}};
  const Tensor ddim = run_sampler(smooth, start(noise, 20), {short_grid(), sampler_named("ddim_0.0"), noise});
  const Tensor euler = run_sampler(smooth, start(noise, 20), {short_grid(), sampler_named("euler"), noise});
  EXPECT_LT((ddim - euler).abs().max().item<double>(), 1e-12);
}

TEST(Sampler, DpmppReturnsTheEstimateAtTheLastStep) {
  for (const char* name : {"dpmpp_2m", "dpmpp_2m_sde"}) {
    const NoiseSource noise{Random(3), {0, 1}};
    Tensor last_estimate;
    const Tensor out = run_sampler(smooth, start(noise, 20), {short_grid(), sampler_named(name), noise},
                                   [&](const SamplerStep& step) { last_estimate = step.prediction.denoised; });
    EXPECT_TRUE(torch::equal(out, last_estimate)) << name;
  }
}

// arXiv:2206.00364, algorithm 2: churn acts inside [S_tmin, S_tmax] alone and gamma is capped.
TEST(Sampler, ChurnRaisesTheNoiseLevelInsideItsInterval) {
  SamplerOptions options = sampler_named("heun");
  options.churn = 3;  // gamma = min(3 / 6, sqrt(2) - 1)
  options.churn_sigma_min = 0.5;
  options.churn_sigma_max = 10;
  const NoiseSource noise{Random(3), {0, 1}};
  std::vector<double> ratios;
  run_sampler(smooth, start(noise, 20), {short_grid(), options, noise}, [&](const SamplerStep& step) {
    ratios.push_back(step.sigma / short_grid()[static_cast<size_t>(step.index)]);
  });
  const std::vector<double> expected = {1, std::sqrt(2.0), std::sqrt(2.0), std::sqrt(2.0), 1, 1};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(ratios[i], expected[i], 1e-12) << i;
}

TEST(Sampler, HeunEvaluatesTwiceAStepButOnceInTheLast) {
  const NoiseSource noise{Random(3), {0, 1}};
  int evaluations = 0;
  const Predictor counted = [&](const Tensor& x, const Tensor& sigma) {
    ++evaluations;
    return smooth(x, sigma);
  };
  run_sampler(counted, start(noise, 20), {short_grid(), sampler_named("heun"), noise});
  EXPECT_EQ(evaluations, 11);
}

TEST(Sampler, ReportsProgressAndStopsOnRequest) {
  const NoiseSource noise{Random(3), {0, 1}};
  std::stop_source stop;
  std::vector<double> done;
  const Control control{[&](const Progress& progress) {
                          EXPECT_EQ(progress.total, 6);
                          done.push_back(progress.done);
                          if (progress.done == 3) stop.request_stop();
                        },
                        stop.get_token()};
  EXPECT_THROW(run_sampler(smooth, start(noise, 20), {short_grid(), {}, noise}, {}, control), Interrupted);
  EXPECT_EQ(done, (std::vector<double>{1, 2, 3}));
}

TEST(Sampler, NamesTheStepThatLeftTheFiniteNumbers) {
  const NoiseSource noise{Random(3), {0, 1}};
  const Predictor breaks = [](const Tensor& x, const Tensor& sigma) {
    Prediction prediction = smooth(x, sigma);
    if (sigma[0].item<double>() < 1) prediction.denoised = prediction.denoised * NAN;
    return prediction;
  };
  try {
    run_sampler(breaks, start(noise, 20), {short_grid(), {}, noise});
    FAIL() << "went on with NaN";
  } catch (const NumericError& error) {
    EXPECT_NE(std::string(error.what()).find("step 4"), std::string::npos) << error.what();
  }
}

TEST(Sampler, RecordsNoGradients) {
  const NoiseSource noise{Random(3), {0, 1}};
  const Tensor weight = torch::ones({1}, torch::kFloat64).requires_grad_(true);
  const Predictor learned = [&](const Tensor& x, const Tensor&) {
    return Prediction{x * weight * 0.5, Tensor(), Tensor()};
  };
  EXPECT_FALSE(run_sampler(learned, start(noise, 20), {short_grid(), {}, noise}).requires_grad());
}

TEST(Sampler, RefusesUnusableSigmas) {
  const NoiseSource noise{Random(3), {0, 1}};
  const auto run = [&](const std::vector<double>& sigmas) {
    run_sampler(smooth, start(noise, 20), {sigmas, {}, noise});
  };
  EXPECT_THROW(run({}), ValueError);
  EXPECT_THROW(run({1.0}), ValueError);
  EXPECT_THROW(run({1.0, 0.5}), ValueError);       // does not end in 0
  EXPECT_THROW(run({1.0, 2.0, 0.0}), ValueError);  // rises
  EXPECT_THROW(run({1.0, 1.0, 0.0}), ValueError);  // stands
  EXPECT_THROW(run({INFINITY, 1.0, 0.0}), ValueError);
  EXPECT_THROW(run({NAN, 1.0, 0.0}), ValueError);
  EXPECT_THROW(run({1.0, 0.0, -1.0}), ValueError);
}

TEST(Sampler, RefusesUnusableOptionsAndStates) {
  const NoiseSource noise{Random(3), {0, 1}};
  SamplerOptions eta;
  eta.solver = Solver::ddim;
  eta.eta = 1.5;
  EXPECT_THROW(run_sampler(smooth, start(noise, 20), {short_grid(), eta, noise}), ValueError);
  SamplerOptions churn;
  churn.churn = -1;
  EXPECT_THROW(run_sampler(smooth, start(noise, 20), {short_grid(), churn, noise}), ValueError);
  const NoiseSource nobody{Random(3), {}};
  EXPECT_THROW(run_sampler(smooth, start(noise, 20), {short_grid(), sampler_named("ddpm_upper"), nobody}), ValueError);
  EXPECT_NO_THROW(run_sampler(smooth, start(noise, 20), {short_grid(), {}, nobody}));
  EXPECT_THROW(run_sampler(smooth, torch::zeros({2, 3}), {short_grid(), {}, noise}), ShapeError);
  EXPECT_THROW(run_sampler(smooth, torch::zeros({2, 2, 3, 4}, torch::kInt64), {short_grid(), {}, noise}), ShapeError);
}

TEST(Sampler, NoiseThatIsGivenStandsForNoiseThatIsDrawn) {
  const NoiseSource drawn{Random(3), {2, 0}};
  const SamplerOptions ancestral{.solver = Solver::ddpm};
  NoiseSource given = drawn;
  given.random = Random(99);
  const NoiseSource all{Random(3), {0, 1, 2}};
  given.given = torch::stack({all.step(0, {3, 4, 4}), all.step(1, {3, 4, 4})});
  const Predictor half = [](const Tensor& x, const Tensor&) { return Prediction{x / 2, {}, {}}; };
  const Tensor x = drawn.initial({3, 4, 4}) * 10;
  const auto run = [&](const NoiseSource& noise, const std::vector<double>& sigmas) {
    return run_sampler(half, x, {sigmas, ancestral, noise});
  };
  EXPECT_TRUE(torch::equal(run(given, {10, 4, 1, 0}), run(drawn, {10, 4, 1, 0})));
  EXPECT_THROW(run(given, {10, 4, 2, 1, 0}), ValueError);  // a third step that has none
  given.sample_ids = {2, 3};
  EXPECT_THROW(run(given, {10, 4, 1, 0}), ValueError);
}

}  // namespace
}  // namespace noisescope
