// Folders of people's own pictures, from training to report: few pictures, many captions, second starts.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/report/report_run.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using test::fresh_folder;
using test::refusal;
using test::tiny_config;

fs::path fresh_pictures(const std::string& name) {
  const fs::path root = fs::path(::testing::TempDir()) / ("noisescope_own_pictures_" + name);
  fs::remove_all(root);
  return root;
}

void write_noise(const fs::path& path, int64_t number) {
  const Tensor picture = Random(1).normal(Purpose::scene, 0, sample_range(number, 1), {3, 32, 32}).clamp(-1, 1);
  fs::create_directories(path.parent_path());
  write_png(path, tensor_to_image(picture[0]));
}

/// `count` noise pictures, in turns in the class folders red and blue.
fs::path class_folders(int64_t count) {
  const fs::path root = fresh_pictures(std::to_string(count));
  for (int64_t i = 0; i < count; ++i) {
    write_noise(root / (i % 2 == 0 ? "red" : "blue") / (std::to_string(i) + ".png"), i);
  }
  return root;
}

/// `count` noise pictures with so many captions each, none said twice: all but two in train/, these in validation/.
fs::path captioned_folder(int64_t count, int64_t captions_each) {
  const fs::path root = fresh_pictures("captions");
  std::map<std::string, std::string> metadata;  // by part
  for (int64_t i = 0; i < count; ++i) {
    const std::string part = i < count - 2 ? "train" : "validation", name = std::to_string(i) + ".png";
    write_noise(root / part / name, i);
    nlohmann::json texts;
    for (int64_t k = 0; k < captions_each; ++k) {
      texts.push_back("thing " + std::to_string(i) + " version " + std::to_string(k));
    }
    metadata[part] += nlohmann::json{{"file_name", name}, {"text", texts}}.dump() + "\n";
  }
  for (const auto& [part, text] : metadata) write_file_atomic(root / part / "metadata.jsonl", text);
  return root;
}

RunConfig config_of(const fs::path& pictures) {
  RunConfig config = tiny_config();
  config.data.kind = DataKind::folder;
  config.data.path = pictures.string();
  return config;
}

nlohmann::ordered_json clip_report_of(const RunFolder& folder) {
  return nlohmann::ordered_json::parse(read_file(folder.clip_report()));
}

TEST(OwnPictures, AreScoredByAJudgeWithTheBudgetOfTheClip) {
  RunConfig config = config_of(class_folders(40));
  config.data.validation_share = 0.5;
  config.evaluation.samples = 20;
  const RunFolder folder = fresh_folder("judge");
  train_run(config, folder, {}, {});
  const TextToImage model = load_run_model(folder, torch::kCPU);
  report_run(model, config, folder, {{"a photo of a red"}, true, ""}, {});
  const auto evaluation = nlohmann::ordered_json::parse(read_file(folder.evaluation()));
  for (const char* name : {"r_precision", "kid", "fd", "coverage"}) EXPECT_TRUE(evaluation.contains(name)) << name;
  EXPECT_FALSE(evaluation.contains("left_out"));

  config.clip_train.steps = 0;
  fs::remove_all(folder.judge());
  const std::string text = refusal([&] { evaluate_run(model, config, folder, {}); });
  EXPECT_NE(text.find("evaluation.judge_train.seconds"), std::string::npos) << text;
}

TEST(OwnPictures, FewAreScoredByWhatTheyAllow) {
  const RunConfig config = config_of(class_folders(12));
  const RunFolder folder = fresh_folder("few_scored");
  train_run(config, folder, {}, {});
  const TextToImage model = load_run_model(folder, torch::kCPU);
  const auto evaluation = evaluate_run(model, config, folder, {});
  EXPECT_EQ(evaluation.at("r_precision").at("n"), 2);
  for (const char* name : {"kid", "fd", "coverage"}) {
    EXPECT_FALSE(evaluation.contains(name)) << name;
    EXPECT_NE(evaluation.at("left_out").get<std::string>().find(name), std::string::npos) << name;
  }
}

TEST(OwnPictures, OneClassLeavesOutWhatNeedsAWrongCaption) {
  const fs::path root = fresh_pictures("one_class");
  for (int64_t i = 0; i < 4; ++i) write_noise(root / "cat" / (std::to_string(i) + ".png"), i);
  const RunConfig config = config_of(root);
  const RunFolder folder = fresh_folder("one_class");
  train_run(config, folder, {}, {});
  const auto evaluation = evaluate_run(load_run_model(folder, torch::kCPU), config, folder, {});
  EXPECT_FALSE(evaluation.contains("r_precision"));
  EXPECT_NE(evaluation.at("left_out").get<std::string>().find("r_precision"), std::string::npos);
}

TEST(OwnPictures, AnyNumberOfThemCanBeTrained) {
  for (const int64_t count : {1, 2, 10, 24, 29, 30}) {
    const RunFolder folder = fresh_folder("few");
    std::vector<std::string> notices;
    TrainRunRequest request;
    request.notice = [&](const std::string& text) { notices.push_back(text); };
    EXPECT_EQ(refusal([&] { train_run(config_of(class_folders(count)), folder, request, {}); }), "") << count;
    const auto report = clip_report_of(folder);
    EXPECT_EQ(report.contains("modality_gap"), count > 1) << count;
    EXPECT_GE(report.at("zero_shot").at("n").get<int64_t>(), std::min<int64_t>(count, 2)) << count;
    const bool said = std::any_of(notices.begin(), notices.end(), [](const std::string& text) {
      return text.find("modality gap") != std::string::npos;
    });
    EXPECT_EQ(said, count == 1) << count;
  }
}

TEST(OwnPictures, AValidationPartOfOnePictureIsNoHindrance) {
  const fs::path root = fresh_pictures("one_held");
  for (int64_t i = 0; i < 6; ++i) {
    write_noise(root / (i < 5 ? "train" : "val") / (i % 2 == 0 ? "red" : "blue") / (std::to_string(i) + ".png"), i);
  }
  const RunFolder folder = fresh_folder("one_held");
  EXPECT_EQ(refusal([&] { train_run(config_of(root), folder, {}, {}); }), "");
  EXPECT_EQ(clip_report_of(folder).at("samples"), "training");
}

TEST(OwnPictures, MayHaveMoreCaptionsThanAreScored) {
  const RunConfig config = config_of(captioned_folder(30, 75));  // 2,250
  const RunFolder folder = fresh_folder("captions");
  EXPECT_EQ(refusal([&] { train_run(config, folder, {}, {}); }), "");
  EXPECT_EQ(clip_report_of(folder).at("zero_shot").at("captions"), 2048);
  EXPECT_NO_THROW(evaluate_run(load_run_model(folder, torch::kCPU), config, folder, {}));
}

TEST(OwnPictures, AFirstStartThatFailedBlocksNothing) {
  const RunFolder folder = fresh_folder("second_start");
  RunConfig config = config_of(class_folders(10));
  RunConfig wrong = config;
  wrong.data.path = "/nowhere/at/all";
  EXPECT_NE(refusal([&] { train_run(wrong, folder, {}, {}); }), "");
  wrong = config;
  wrong.data.validation_share = 0;
  wrong.network.attention_resolutions = {7};
  const std::string text = refusal([&] { train_run(wrong, folder, {}, {}); });
  EXPECT_NE(text.find("attention_resolutions"), std::string::npos) << text;
  EXPECT_FALSE(fs::exists(folder.clip_report()));
  EXPECT_FALSE(fs::exists(folder.config()));
  EXPECT_EQ(refusal([&] { train_run(config, folder, {}, {}); }), "");
}

TEST(OwnPictures, ALargerBudgetGoesOnFromTheFinishedRun) {
  const RunFolder folder = fresh_folder("longer");
  RunConfig config = config_of(class_folders(30));
  train_run(config, folder, {}, {});
  write_file_atomic(folder.evaluation(), "{}");  // of the shorter training
  config.train.budget = "6steps";
  std::vector<std::string> notices;
  TrainRunRequest request;
  request.notice = [&](const std::string& text) { notices.push_back(text); };
  TrainingSummary summary;
  EXPECT_EQ(refusal([&] { summary = train_run(config, folder, request, {}); }), "");
  EXPECT_EQ(summary.steps, 6);
  EXPECT_FALSE(fs::exists(folder.evaluation()));
  EXPECT_EQ(stored_run_config(folder).train.budget, "6steps");
  const bool said = std::any_of(notices.begin(), notices.end(), [](const std::string& text) {
    return text.find("learning rate") != std::string::npos;
  });
  EXPECT_TRUE(said);

  for (const char* budget : {"3steps", "2s"}) {
    config.train.budget = budget;
    const std::string text = refusal([&] { train_run(config, folder, {}, {}); });
    EXPECT_NE(text.find("train.budget"), std::string::npos) << text;
  }
  EXPECT_EQ(stored_run_config(folder).train.budget, "6steps");
}

TEST(OwnPictures, MayMoveButNotChange) {
  const fs::path pictures = class_folders(12);
  RunConfig config = config_of(pictures);
  const RunFolder folder = fresh_folder("moved");
  train_run(config, folder, {}, {});
  EXPECT_TRUE(fs::path(stored_run_config(folder).data.path).is_absolute());
  const fs::path moved = fresh_pictures("moved");
  fs::rename(pictures, moved);
  config.data.path = moved.string();
  config.train.budget = "4steps";
  EXPECT_EQ(refusal([&] { train_run(config, folder, {}, {}); }), "");
  EXPECT_EQ(stored_run_config(folder).data.path, moved.string());
  write_noise(moved / "red" / "more.png", 99);
  config.train.budget = "5steps";
  const std::string text = refusal([&] { train_run(config, folder, {}, {}); });
  EXPECT_NE(text.find("12 samples), got others"), std::string::npos) << text;
  EXPECT_NE(text.find("--from"), std::string::npos) << text;
}

TEST(OwnPictures, AnotherRunStartsFromTheWeightsOfOne) {
  const RunFolder first = fresh_folder("from_first"), second = fresh_folder("from_second");
  RunConfig config = config_of(class_folders(12));
  train_run(config, first, {}, {});
  config.start_from = first.root.string();
  config.clip_folder = first.clip().string();
  config.data.path = class_folders(16).string();
  config.train.budget = "1steps";
  config.train.schedule.learning_rate = 1e-12;
  train_run(config, second, {}, {});
  const TextToImage before = load_run_model(first, torch::kCPU), after = load_run_model(second, torch::kCPU);
  const std::vector<std::string> prompts = {"a photo of a red", "a photo of a blue"};
  EXPECT_TRUE(torch::equal(before.condition(prompts), after.condition(prompts)));
  const Tensor x = torch::ones({2, 3, 32, 32}), sigma = torch::ones({2});
  const Tensor old = before.denoiser()(x, sigma, before.condition(prompts));
  EXPECT_LT((after.denoiser()(x, sigma, after.condition(prompts)) - old).abs().max().item<double>(), 1e-4);
}

TEST(OwnPictures, TheSizeOfTheDataIsSaidOnce) {
  const RunConfig config = load_run_config("", {"data.kind=folder", "data.image_size_px=40"});
  EXPECT_EQ(config.network.image_size, 40);
  EXPECT_EQ(config.clip.image.image_size, 40);
  EXPECT_EQ(config.network.attention_resolutions, (std::vector<int64_t>{10, 5}));
  const std::string text = refusal([] {
    load_run_config("", {"data.kind=folder", "data.image_size_px=40", "network.image_size=32"});
  });
  EXPECT_NE(text.find("network.image_size = 32"), std::string::npos) << text;
  const RunConfig two = load_run_config("", {"network.channels=[16,16]"});
  EXPECT_EQ(two.network.attention_resolutions, (std::vector<int64_t>{8}));
}

TEST(OwnPictures, AReadOnlyUnfinishedRunIsLoaded) {
  const RunFolder folder = fresh_folder("read_only");
  train_run(config_of(class_folders(8)), folder, {}, {});
  fs::remove(folder.model());
  load_run_model(folder, torch::kCPU);
  EXPECT_FALSE(fs::exists(folder.root / "checkpoints" / "latest-average.safetensors"));
}

TEST(OwnPictures, DivergedWeightsAreNamedBeforeAPreviewSeesThem) {
  RunConfig config = config_of(class_folders(8));
  config.train.schedule.learning_rate = 10;
  config.train.schedule.warmup_steps = 0;
  config.train.optimizer.kind = OptimizerKind::adamw;
  config.train.max_grad_norm = 0;
  config.train.budget = "60steps";
  config.train.validate_every = 0.2;
  TrainRunRequest request;
  request.preview = [](const TextToImage& model, const Validation&) {
    SamplingOptions sampling;
    sampling.grid.steps = 3;
    sample_pictures(model, {{"a photo of a red"}}, sampling);
  };
  const std::string text = refusal([&] { train_run(config, fresh_folder("diverged"), request, {}); });
  EXPECT_NE(text.find("learning_rate"), std::string::npos) << text;
}

TEST(OwnPictures, AnEmptyPromptIsTheNullCondition) {
  const RunFolder folder = fresh_folder("empty_prompt");
  train_run(config_of(class_folders(8)), folder, {}, {});
  const TextToImage model = load_run_model(folder, torch::kCPU);
  const Tensor rows = model.condition({" ", "a photo of a red"});
  EXPECT_TRUE(torch::equal(rows[0], model.null_condition(1)[0]));
  EXPECT_FALSE(torch::equal(rows[1], rows[0]));
}

}  // namespace
}  // namespace noisescope
