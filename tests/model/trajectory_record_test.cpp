#include "noisescope/model/trajectory_record.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "noisescope/core/error.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

/// D_c = x / 2, D_u = x / 4, guided between sigma 1 and 10.
Predictor halves() {
  const Denoiser denoiser = [](const Tensor& x, const Tensor&, const Tensor& condition) {
    return x * condition.view({-1, 1, 1, 1});
  };
  return guide(denoiser, torch::full({2, 1}, 0.5F), torch::full({2, 1}, 0.25F),
               {.scale = 2, .sigma_min = 1, .sigma_max = 10, .clamp = 0});
}

TrajectoryFacts facts() { return {{"a", "b", "c", "d"}, {0, 1, 0, 1}, "1234", "{\"seed\": 3}"}; }

const std::vector<double> kSigmas = {20, 5, 0.5, 0};

/// Two batches of two pictures, recorded one after the other.
TrajectoryRecorder& recorded() {
  static TrajectoryRecorder recorder{RecorderOptions{}};
  if (!recorder.steps().empty()) return recorder;
  for (const int64_t first : {0, 2}) {
    const NoiseSource noise{Random(3), sample_range(first, 2)};
    run_sampler(halves(), noise.initial({3, 4, 4}) * kSigmas.front(), {kSigmas, {}, noise}, recorder.observer());
  }
  return recorder;
}

std::filesystem::path file(const std::string& name) {
  return std::filesystem::path(::testing::TempDir()) / ("noisescope_" + name);
}

TEST(TrajectoryRecord, ComesBackFromDiskAsTheSolverSawIt) {
  const auto path = file("record.safetensors");
  save_record(path, make_record(recorded(), facts()));
  const TrajectoryRecord record = load_record(path);
  EXPECT_EQ(record.sigmas, kSigmas);
  EXPECT_EQ(record.facts.prompts, facts().prompts);
  EXPECT_EQ(record.facts.sample_ids, facts().sample_ids);
  EXPECT_EQ(record.facts.weights, "1234");
  EXPECT_EQ(record.facts.settings, "{\"seed\": 3}");
  const std::vector<SamplerStep>& steps = recorded().steps();
  ASSERT_EQ(steps.size(), 3U);
  for (size_t k = 0; k < steps.size(); ++k) {
    const auto step = static_cast<int64_t>(k);
    ASSERT_EQ(steps[k].x.size(0), 4);
    EXPECT_TRUE(record.x[step].equal(steps[k].x));
    EXPECT_TRUE(record.denoised[step].equal(steps[k].prediction.denoised));
    EXPECT_TRUE(record.conditional[step].equal(record.x[step] * 0.5F));
  }
}

TEST(TrajectoryRecord, BranchesThatWereNotEvaluatedAreNan) {
  const TrajectoryRecord record = make_record(recorded(), facts());
  EXPECT_TRUE(record.unconditional[0].isnan().all().item<bool>());  // sigma 20: above the interval
  EXPECT_TRUE(record.unconditional[1].equal(record.x[1] * 0.25F));
  EXPECT_TRUE(record.unconditional[2].isnan().all().item<bool>());
}

TEST(TrajectoryRecord, AnythingElseIsRefused) {
  const auto path = file("no_record.safetensors");
  write_safetensors(path, {{{"sigmas", torch::ones({3})}}, {{"kind", "weights"}}});
  EXPECT_THROW(load_record(path), ModelError);
  for (const auto& wrong : {TrajectoryFacts{{"a", "b", "c"}, {0, 1, 2}, "", "{}"},  // of four pictures
                            TrajectoryFacts{{"a", "b", "c", "d"}, {0, 1}, "", "{}"}}) {
    save_record(path, make_record(recorded(), wrong));
    EXPECT_THROW(load_record(path), ModelError);
  }
  save_record(path, make_record(recorded(), facts()));
  TensorFile good = read_safetensors(path);
  EXPECT_NO_THROW(load_record(path));
  good.metadata["kind"] = "weights";
  write_safetensors(path, good);
  EXPECT_THROW(load_record(path), ModelError);
  EXPECT_THROW(make_record(TrajectoryRecorder{RecorderOptions{}}, {}), ValueError);
}

TEST(TrajectoryRecord, GivesItsStepsBack) {
  const TrajectoryRecord record = make_record(recorded(), facts());
  const std::vector<SamplerStep> steps = steps_of(record);
  ASSERT_EQ(steps.size(), 3U);
  for (int64_t i = 0; i < 3; ++i) {
    const SamplerStep& step = steps[static_cast<size_t>(i)];
    EXPECT_EQ(step.index, i);
    EXPECT_EQ(step.count, 3);
    EXPECT_EQ(step.sigma, kSigmas[static_cast<size_t>(i)]);
    EXPECT_EQ(step.sigma_next, kSigmas[static_cast<size_t>(i) + 1]);
    EXPECT_TRUE(torch::equal(step.x, record.x[i]));
    EXPECT_TRUE(torch::equal(step.prediction.denoised, record.denoised[i]));
  }
  TrajectoryRecord without = record;
  without.denoised = Tensor();
  EXPECT_FALSE(steps_of(without)[0].prediction.denoised.defined());
}

}  // namespace
}  // namespace noisescope
