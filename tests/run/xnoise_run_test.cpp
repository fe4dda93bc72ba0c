// xNoise's network and recipe as a configuration.
#include <filesystem>

#include <gtest/gtest.h>

#include "noisescope/nn/cost.h"
#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

const std::filesystem::path kConfigs = NOISESCOPE_SOURCE_DIR "/config/xnoise";

TEST(XNoiseRun, TheThreeConfigurationsAreReadable) {
  const std::vector<std::pair<const char*, int64_t>> sizes = {
      {"model_small.yaml", 41}, {"model_default.yaml", 178}, {"model_large.yaml", 401}};
  for (const auto& [name, millions] : sizes) {
    const RunConfig config = load_run_config(kConfigs / name, {});
    EXPECT_EQ(config.network.kind, NetworkKind::xnoise);
    EXPECT_EQ(config.sample.grid.steps, config.precondition.schedule.timesteps);
    EXPECT_NEAR(1e-6 * static_cast<double>(network_cost(config.network).parameters), static_cast<double>(millions),
                0.5);
  }
}

TEST(XNoiseRun, TrainsOnTheWorldWithItsRecipeAndDraws) {
  RunConfig config = load_run_config(kConfigs / "model_small.yaml",
                                     {"data.kind=world", "network.channels=[32,32,32]",
                                      "precondition.schedule.timesteps=4", "clip_folder=", "draw.grid.steps=4"});
  const RunConfig tiny = test::tiny_config();
  config.data = tiny.data;
  config.clip = tiny.clip;
  config.clip_train = tiny.clip_train;
  config.clip_batch_size = tiny.clip_batch_size;
  config.train.budget = "3steps";
  config.train.batch_size = 4;
  config.train.validation_samples = 4;
  const RunFolder folder = test::fresh_folder("seed");
  const TrainingSummary summary = train_run(config, folder, {}, {});
  EXPECT_EQ(summary.images, 12);
  const TextToImage model = load_run_model(folder, torch::kCPU);
  EXPECT_EQ(model.options().network.kind, NetworkKind::xnoise);
  EXPECT_EQ(model.null_condition(2).abs().max().item<double>(), 0);
  const std::vector<std::string> prompts = {"a red square left of a blue disc on dark"};
  EXPECT_TRUE(torch::equal(model.condition(prompts), model.clip().encode_text(prompts, EmbeddingLength::own)));  // raw
  const Tensor pictures = sample_pictures(model, {.prompts = prompts}, config.sample);
  EXPECT_EQ(pictures.sizes(), torch::IntArrayRef({1, 3, 32, 32}));
}

}  // namespace
}  // namespace noisescope
