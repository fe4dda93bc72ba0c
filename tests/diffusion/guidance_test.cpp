#include "noisescope/diffusion/guidance.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/diffusion/trajectory_recorder.h"

namespace noisescope {
namespace {

constexpr int64_t kBatch = 3;

/// D = x / (1 + sigma^2) + the first number of the condition: what each branch saw is easy to read.
struct CountingDenoiser {
  std::shared_ptr<std::vector<int64_t>> batches = std::make_shared<std::vector<int64_t>>();
  Tensor operator()(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
    batches->push_back(x.size(0));
    return x / (1 + per_sample(sigma).square()) + per_sample(condition.select(1, 0));
  }
};

Tensor images() { return Random(2).normal(Purpose::evaluation, 0, sample_range(0, kBatch), {2, 4, 4}); }
Tensor condition() { return torch::tensor({{0.5f, 9.f}, {-0.3f, 9.f}, {0.1f, 9.f}}); }
Tensor null_condition() { return torch::zeros({kBatch, 2}); }
Tensor level(double sigma) { return torch::full({kBatch}, sigma); }

GuidanceOptions unclipped(double scale) {
  GuidanceOptions options;
  options.scale = scale;
  options.clamp = 0;
  return options;
}

Prediction run(const GuidanceOptions& options, double sigma, const CountingDenoiser& denoiser = {}) {
  return guide(denoiser, condition(), null_condition(), options)(images(), level(sigma));
}

TEST(Guidance, OneBatchedPassEqualsTwoPasses) {
  const CountingDenoiser denoiser;
  const Prediction prediction = run(unclipped(2.5), 0.7, denoiser);
  EXPECT_EQ(*denoiser.batches, (std::vector<int64_t>{2 * kBatch}));
  const Tensor c = denoiser(images(), level(0.7), condition());
  const Tensor u = denoiser(images(), level(0.7), null_condition());
  EXPECT_TRUE(torch::equal(prediction.conditional, c));
  EXPECT_TRUE(torch::equal(prediction.unconditional, u));
  EXPECT_TRUE(torch::allclose(prediction.denoised, u + 2.5 * (c - u)));
  // Ho & Salimans, arXiv:2207.12598, eq. 6 with w = s - 1.
  EXPECT_TRUE(torch::allclose(prediction.denoised, (1 + 1.5) * c - 1.5 * u, 1e-5, 1e-6));
}

TEST(Guidance, ScaleOneEvaluatesOneBranch) {
  const CountingDenoiser denoiser;
  const Prediction prediction = run(unclipped(1), 0.7, denoiser);
  EXPECT_EQ(*denoiser.batches, (std::vector<int64_t>{kBatch}));
  EXPECT_TRUE(torch::equal(prediction.denoised, prediction.conditional));
  EXPECT_FALSE(prediction.unconditional.defined());
}

TEST(Guidance, ScaleZeroIsTheNullBranch) {
  const Prediction prediction = run(unclipped(0), 0.7);
  EXPECT_TRUE(torch::equal(prediction.denoised, prediction.unconditional));
}

TEST(Guidance, BothBranchesOnRequestChangeNothingElse) {
  GuidanceOptions options = unclipped(1);
  options.both_branches = true;
  const Prediction prediction = run(options, 0.7);
  ASSERT_TRUE(prediction.unconditional.defined());
  EXPECT_TRUE(torch::equal(prediction.denoised, run(unclipped(1), 0.7).denoised));
}

TEST(Guidance, ActsInsideItsIntervalWithBoundariesIncluded) {
  GuidanceOptions options = unclipped(3);
  options.sigma_min = 0.5;
  options.sigma_max = 2.0;
  const auto guided = [&](double sigma) { return run(options, sigma).unconditional.defined(); };
  EXPECT_FALSE(guided(0.499));
  EXPECT_TRUE(guided(0.5));
  EXPECT_TRUE(guided(1.0));
  EXPECT_TRUE(guided(2.0));
  EXPECT_FALSE(guided(2.001));
  options.both_branches = true;
  const Prediction outside = run(options, 3.0);
  EXPECT_TRUE(outside.unconditional.defined());
  EXPECT_TRUE(torch::equal(outside.denoised, outside.conditional));
}

TEST(Guidance, OneBoundAloneSavesTheNullBranchBeyondIt) {
  GuidanceOptions below = unclipped(3), above = unclipped(3);
  below.sigma_max = 2.0;
  above.sigma_min = 0.5;
  for (const auto& [options, sigma] : {std::pair(below, 3.0), std::pair(above, 0.3)}) {
    const CountingDenoiser denoiser;
    run(options, sigma, denoiser);
    EXPECT_EQ(*denoiser.batches, (std::vector<int64_t>{kBatch})) << sigma;
  }
}

TEST(Guidance, MixedNoiseLevelsAreGuidedOneByOne) {
  GuidanceOptions options = unclipped(3);
  options.sigma_min = 0.5;
  options.sigma_max = 2.0;
  const Tensor sigma = torch::tensor({0.1f, 1.0f, 5.0f});
  const Prediction p = guide(CountingDenoiser(), condition(), null_condition(), options)(images(), sigma);
  EXPECT_TRUE(torch::equal(p.denoised[0], p.conditional[0]));
  EXPECT_TRUE(torch::allclose(p.denoised[1], p.unconditional[1] + 3 * (p.conditional[1] - p.unconditional[1])));
  EXPECT_TRUE(torch::equal(p.denoised[2], p.conditional[2]));
}

// arXiv:2305.08891, equations 15-16.
TEST(Guidance, RescaleRestoresTheContrastOfTheConditionalEstimate) {
  const auto x_dependent = [](const Tensor& x, const Tensor&, const Tensor& c) {
    return x * (0.3 + per_sample(c.select(1, 0)));
  };
  const auto denoised = [&](double phi) {
    GuidanceOptions options = unclipped(4);
    options.rescale = phi;
    return guide(x_dependent, condition(), null_condition(), options)(images(), level(1));
  };
  const auto deviation = [](const Tensor& t) { return t.flatten(1).std(1); };
  const Prediction plain = denoised(0);
  const Prediction full = denoised(1);
  EXPECT_TRUE(torch::allclose(deviation(full.denoised), deviation(full.conditional)));
  EXPECT_TRUE(torch::allclose(denoised(0.7).denoised, 0.7 * full.denoised + 0.3 * plain.denoised));
}

TEST(Guidance, ClipBoundsTheCombinedEstimateAlone) {
  GuidanceOptions options = unclipped(5);
  options.clamp = 0.25;
  const Prediction prediction = run(options, 0.1);
  EXPECT_FLOAT_EQ(prediction.denoised.abs().max().item<float>(), 0.25f);
  EXPECT_GT(prediction.conditional.abs().max().item<float>(), 1.0f);
}

TEST(Guidance, ANegativePromptTakesThePlaceOfTheNullCondition) {
  const Tensor negative = torch::full({kBatch, 2}, -0.5);
  const Prediction p = guide(CountingDenoiser(), condition(), negative, unclipped(2))(images(), level(1));
  EXPECT_TRUE(torch::allclose(p.denoised, images() / 2 + per_sample(2 * condition().select(1, 0) + 0.5), 1e-5, 1e-6));
}

TEST(Guidance, RefusesBadInput) {
  const auto make = [](auto change) {
    GuidanceOptions options;
    change(options);
    guide(CountingDenoiser(), condition(), null_condition(), options);
  };
  EXPECT_THROW(make([](auto& o) { o.scale = NAN; }), ValueError);
  EXPECT_THROW(make([](auto& o) { o.sigma_min = -1; }), ValueError);
  EXPECT_THROW(make([](auto& o) { o.sigma_min = 2, o.sigma_max = 1; }), ValueError);
  EXPECT_THROW(make([](auto& o) { o.rescale = 1.5; }), ValueError);
  EXPECT_THROW(make([](auto& o) { o.clamp = -1; }), ValueError);
  EXPECT_THROW(guide(CountingDenoiser(), condition(), torch::zeros({1, 2}), {}), ShapeError);
  EXPECT_THROW(guide(CountingDenoiser(), condition()[0], null_condition(), {}), ShapeError);
  const Predictor predict = guide(CountingDenoiser(), condition(), null_condition(), {});
  EXPECT_THROW(predict(torch::zeros({1, 2, 4, 4}), torch::ones({1})), ShapeError);
}

Tensor sample_with(TrajectoryRecorder& recorder, double scale) {
  const NoiseSource noise{Random(1), sample_range(0, kBatch)};
  const Predictor predict = guide(CountingDenoiser(), condition(), null_condition(), unclipped(scale));
  return run_sampler(predict, noise.initial({2, 4, 4}) * 10, {{10, 3, 1, 0.1, 0}, {}, noise}, recorder.observer());
}

TEST(Trajectory, KeepsWhatTheObserverSaw) {
  TrajectoryRecorder recorder({});
  sample_with(recorder, 2);
  ASSERT_EQ(recorder.steps().size(), 4u);
  const SamplerStep& step = recorder.steps()[1];
  EXPECT_EQ(step.sigma, 3);
  EXPECT_EQ(step.sigma_next, 1);
  const Prediction again = guide(CountingDenoiser(), condition(), null_condition(), unclipped(2))(step.x, level(3));
  EXPECT_TRUE(torch::equal(step.prediction.denoised, again.denoised));
  EXPECT_TRUE(torch::equal(step.prediction.conditional, again.conditional));
  EXPECT_TRUE(torch::equal(step.prediction.unconditional, again.unconditional));
}

TEST(Trajectory, KeepsOnlyWhatWasAskedForAndEvaluated) {
  RecorderOptions options;
  options.x = false;
  options.dtype = RecordDtype::float16;
  TrajectoryRecorder recorder(options);
  sample_with(recorder, 1);
  const SamplerStep& step = recorder.steps().front();
  EXPECT_FALSE(step.x.defined());
  EXPECT_FALSE(step.prediction.unconditional.defined());
  EXPECT_EQ(step.prediction.conditional.scalar_type(), torch::kFloat16);
}

TEST(Trajectory, RefusesARunLargerThanItsMemoryWithTheSizeNeeded) {
  RecorderOptions options;
  const int64_t needed = 4 * 4 * kBatch * 2 * 4 * 4 * 4;  // planes, steps, numbers, bytes
  options.max_bytes = needed;
  TrajectoryRecorder fits(options);
  EXPECT_NO_THROW(sample_with(fits, 2));
  options.max_bytes = needed - 1;
  TrajectoryRecorder recorder(options);
  try {
    sample_with(recorder, 2);
    FAIL() << "recorded beyond its memory";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find(std::to_string(needed)), std::string::npos);
  }
  EXPECT_TRUE(recorder.steps().empty());
}

}  // namespace
}  // namespace noisescope
