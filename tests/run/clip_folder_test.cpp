// A run conditioned by a CLIP that was brought along. With weights of transformers, and by the program:
// clip_folder_oracle.py.
#include <gtest/gtest.h>

#include <filesystem>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/report/sample_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = fs::path(::testing::TempDir()) / "noisescope_clip_folder";

/// A vision transformer for larger images than the world's, another embedding width.
ClipModel ready_clip() {
  ClipOptions options;
  options.embedding_dim = 20;
  options.tokenizer.kind = TokenizerKind::bpe;
  options.text = {.width = 16, .layers = 1, .heads = 2};
  options.image.kind = ImageTowerKind::vit;
  options.image.image_size = 48;
  options.image.patch_size = 16;
  options.image.encoder = {.width = 16, .layers = 1, .heads = 2};
  return ClipModel(
      options,
      Tokenizer::train({"a red square left of a blue disc"}, {.kind = TokenizerKind::bpe, .context_length = 64}), 3);
}

RunConfig config_with_clip() {
  RunConfig config = demo_config();
  config.clip_folder = (kRoot / "clip").string();
  config.condition.image_share = 0.5;
  config.data.world_samples = 40;
  config.train.budget = "2steps";
  config.train.batch_size = 4;
  config.train.validation_samples = 4;
  config.train.validate_every = 0;
  config.sample.grid.steps = 3;
  return config;
}

class ClipFolderRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    fs::remove_all(kRoot);
    ready_clip().save(kRoot / "clip");
    train_run(config_with_clip(), folder(), {}, {});
    const Tensor picture = Random(1).uniform(Purpose::scene, 0, {0}, {3, 30, 40})[0] * 2 - 1;
    write_png(kRoot / "picture.png", tensor_to_image(picture));
  }
  static RunFolder folder() { return RunFolder{kRoot / "run"}; }
};

TEST_F(ClipFolderRun, CopiesTheClipAndLeavesItsWeights) {
  const ClipModel copied = ClipModel::load(folder().clip());
  EXPECT_EQ(copied.weights_hash(), ready_clip().weights_hash());
  const auto report = nlohmann::json::parse(read_file(folder().clip_report()));
  EXPECT_EQ(report.at("adopted_from"), (kRoot / "clip").string());
  EXPECT_GT(report.at("modality_gap").at("pairs").get<int64_t>(), 1);
  EXPECT_EQ(load_run_model(folder(), torch::kCPU, {}).options().network.condition_width, 21);
}

TEST_F(ClipFolderRun, DrawsFromTextsAndPictures) {
  const TextToImage model = load_run_model(folder(), torch::kCPU, {});
  const Tensor text = model.condition({"a red square"});
  const Tensor picture = image_to_tensor(read_image(kRoot / "picture.png")).unsqueeze(0);
  const Tensor image = model.condition_of_images(picture);
  EXPECT_EQ(text[0][20].item<double>(), -1);
  EXPECT_EQ(image[0][20].item<double>(), 1);
  SampleRequest request;
  request.prompts = {"a red square"};
  request.image_prompts = {kRoot / "picture.png"};
  request.count = 2;
  request.no_animation = true;
  request.out = kRoot / "drawn";
  const SampleResult drawn = sample_run(model, config_with_clip(), folder(), request, {});
  EXPECT_EQ(drawn.pictures.size(0), 4);
  EXPECT_TRUE(at::isfinite(drawn.pictures).all().item<bool>());
  // The pictures of the picture are those of its condition row.
  const PictureRequest by_hand{{"", ""}, "", 0, 0, picture.expand({2, -1, -1, -1})};
  const RunConfig config = config_with_clip();
  const Tensor again = sample_pictures(model, by_hand, config.sample);
  EXPECT_TRUE(torch::equal(again, drawn.pictures.narrow(0, 2, 2)));
  request.prompts.clear();
  request.image_prompts.clear();
  EXPECT_THROW(sample_run(model, config, folder(), request, {}), ValueError);
}

TEST_F(ClipFolderRun, AModelTrainedOnTextsRefusesPictures) {
  RunConfig config = config_with_clip();
  config.condition.image_share = 0;
  const RunFolder text_only{kRoot / "text_only"};
  train_run(config, text_only, {}, {});
  const TextToImage model = load_run_model(text_only, torch::kCPU, {});
  EXPECT_THROW(model.condition_of_images(torch::zeros({1, 3, 32, 32})), ValueError);
}

TEST_F(ClipFolderRun, AFolderWithoutATokenizerCannotCondition) {
  const fs::path bare = kRoot / "bare";
  fs::copy(kRoot / "clip", bare, fs::copy_options::recursive);
  for (const char* file : {"tokenizer.json", "vocab.json"}) fs::remove(bare / file);
  RunConfig config = config_with_clip();
  config.clip_folder = bare.string();
  EXPECT_THROW(train_run(config, RunFolder{kRoot / "bare_run"}, {}, {}), ModelError);
}

}  // namespace
}  // namespace noisescope
