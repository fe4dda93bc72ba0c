#include <gtest/gtest.h>

#include <filesystem>

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/model/trajectory_record.h"
#include "noisescope/report/report_run.h"
#include "noisescope/report/sample_run.h"
#include "noisescope/report/verify_page.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using test::fresh_folder;
using test::tiny_config;

/// One trained tiny run for all tests.
class Run : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fresh_folder("shared");
    train_run(tiny_config(), folder_, {}, {});
  }
  static RunFolder folder_;
};
RunFolder Run::folder_;

TEST_F(Run, TrainingLeavesAWholeRunFolder) {
  for (const fs::path& path : {folder_.config(), folder_.clip_report(), folder_.embeddings(), folder_.condition(),
                               folder_.model(), folder_.training(), folder_.metrics(), folder_.root / "env.json"}) {
    EXPECT_TRUE(fs::exists(path)) << path;
  }
}

TEST_F(Run, TheStoredConfigurationIsTheOneTrained) {
  EXPECT_EQ(to_json(load_run_config_of(folder_)), to_json(tiny_config()));
}

TEST_F(Run, AnotherConfigurationIsRefusedNamingItsKeys) {
  RunConfig other = tiny_config();
  other.train.batch_size = 8;
  try {
    train_run(other, folder_, {}, {});
    FAIL() << "no error";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("train.batch_size"), std::string::npos) << error.what();
  }
}

TEST_F(Run, NoiseLevelsFittedInTrainingAreThoseOfTheRun) {
  RunConfig config = tiny_config();
  config.noise_levels.distribution = NoiseDistribution::information;
  config.noise_levels.early_share = 0.3;
  config.noise_levels.pictures = 2;
  const RunFolder folder = fresh_folder("fitted_levels");
  std::vector<std::string> notices;
  TrainRunRequest request;
  request.notice = [&](const std::string& text) { notices.push_back(text); };
  train_run(config, folder, request, {});
  const RunConfig fitted = load_run_config_of(folder);
  EXPECT_NE(fitted.noise_levels.mean, config.noise_levels.mean);
  EXPECT_NE(cleanest_trained_log_snr(fitted), cleanest_trained_log_snr(config));
  EXPECT_EQ(to_json(stored_run_config(folder)), to_json(config));
  EXPECT_TRUE(std::any_of(notices.begin(), notices.end(),
                          [](const std::string& text) { return text.starts_with("noise levels fitted"); }));
  EXPECT_NO_THROW(train_run(config, folder, {}, {}));  // the same command again

  write_file_atomic(folder.noise_levels(), "{\"mean_ln_sigma\": \"x\"}");
  EXPECT_THROW(load_run_config_of(folder), FormatError);
}

TEST_F(Run, UnknownWordsAreNamed) {
  const TextToImage model = load_run_model(folder_, torch::kCPU);
  try {
    model.condition({"a purple elephant"});
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("elephant"), std::string::npos) << error.what();
  }
}

TEST_F(Run, APictureDoesNotDependOnTheOthers) {
  const TextToImage model = load_run_model(folder_, torch::kCPU);
  const RunConfig config = tiny_config();
  SampleRequest request;
  request.prompts = {"a red square left of a blue disc on dark", "a red disc"};
  request.count = 2;
  request.no_animation = true;
  request.out = folder_.root / "a";
  const Tensor many = sample_run(model, config, folder_, request, {}).pictures;
  request.prompts = {"a red disc"};
  request.count = 1;
  const Tensor one = sample_run(model, config, folder_, request, {}).pictures;
  EXPECT_TRUE(torch::allclose(many[2], one[0], 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(many[2], many[3], 1e-4, 1e-5));
}

TEST_F(Run, AFullRecordHoldsBothBranchesAtEveryNoiseLevel) {
  const TextToImage model = load_run_model(folder_, torch::kCPU);
  SampleRequest request;
  request.prompts = {"a red disc", "a blue cross"};
  request.count = 2;
  request.no_animation = true;
  request.out = folder_.root / "record";
  for (const char* kind : {"run", "full"}) {
    request.record = kind;
    sample_run(model, tiny_config(), folder_, request, {});
    const TrajectoryRecord record = load_record(request.out / "record.safetensors");
    EXPECT_EQ(record.facts.prompts.size(), 4u);
    EXPECT_EQ(record.facts.sample_ids, (std::vector<int64_t>{0, 1, 0, 1}));
    EXPECT_EQ(record.facts.weights, weights_hash(model));
    EXPECT_EQ(record.unconditional.isnan().any().item<bool>(), std::string(kind) == "run") << kind;
  }
  request.count = 100000;
  EXPECT_THROW(sample_run(model, tiny_config(), folder_, request, {}), ValueError);
}

TEST_F(Run, SampleEvaluateExplainAndReportWriteTheirFiles) {
  const TextToImage model = load_run_model(folder_, torch::kCPU);
  const RunConfig config = tiny_config();
  SampleRequest request;
  request.prompts = {"a red disc"};
  request.film = "apng";
  request.array = "npy";
  request.single = true;
  for (const fs::path& file : sample_run(model, config, folder_, request, {}).files) {
    EXPECT_TRUE(fs::exists(file)) << file;
  }
  const auto evaluation = evaluate_run(model, config, folder_, {});
  EXPECT_EQ(evaluation.at("score").at("joint").at("n"), 4);
  EXPECT_EQ(evaluation.at("sweep").size(), 2u);
  ReportRequest report;
  report.prompts = {"a <b>red</b> disc"};
  EXPECT_THROW(report_run(model, config, folder_, report, {}), ValueError);  // unknown words
  report.prompts = {"a red disc"};
  report_run(model, config, folder_, report, {});
  const std::string html = read_file(folder_.report());
  EXPECT_NE(html.find("a red disc"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder_.explain() / "guidance_information.png"));
}

/// 24 noise pictures in each of two class folders.
fs::path class_folders() {
  const fs::path root = fs::path(::testing::TempDir()) / "noisescope_class_folders";
  for (const char* name : {"red fox", "snow owl"}) {
    fs::create_directories(root / name);
    const Tensor pictures =
        Random(name_hash(name)).normal(Purpose::scene, 0, sample_range(0, 24), {3, 32, 32}).clamp(-1, 1);
    for (int64_t i = 0; i < 24; ++i) {
      write_png(root / name / (std::to_string(i) + ".png"), tensor_to_image(pictures[i]));
    }
  }
  return root;
}

// Data without a parser: scores of the judge, some of them without an interval, must reach the report.
TEST(ImageRun, FromFolderToReport) {
  RunConfig config = tiny_config();
  config.data.kind = DataKind::folder;
  config.data.path = class_folders().string();
  config.data.validation_share = 0.5;
  config.evaluation.samples = 20;
  config.evaluation.judge_train.seconds = 0;
  config.evaluation.judge_train.steps = 2;
  const RunFolder folder = fresh_folder("images");
  train_run(config, folder, {}, {});
  const TextToImage model = load_run_model(folder, torch::kCPU);
  const auto evaluation = evaluate_run(model, config, folder, {});
  EXPECT_EQ(evaluation.at("r_precision").at("n"), 20);
  EXPECT_FALSE(evaluation.at("fd").contains("low"));
  ReportRequest report;
  report.prompts = {"a photo of a red fox"};
  report_run(model, config, folder, report, {});
  EXPECT_NE(read_file(folder.report()).find("r_precision_shuffled_captions"), std::string::npos);
}

TEST(VerifyPage, ShowsVerdictsAndMapsAndEscapesWords) {
  Verification verification;
  verification.rows = {{"method", "exact demo", "a <figure>", Direction::at_least, 0.9, {0.8, 0.7, 0.9, 5}}};
  verification.pictures = {
      {"method", "a map", torch::zeros({3, 8, 8}), torch::rand({8, 8}), torch::ones({8, 8}, torch::kBool)}};
  const std::string html = verify_page(verification, "noisescope verify");
  EXPECT_NE(html.find("FALLS SHORT"), std::string::npos);
  EXPECT_NE(html.find("0 of 1 rows hold"), std::string::npos);
  EXPECT_NE(html.find("a &lt;figure&gt;"), std::string::npos);
  EXPECT_NE(html.find("data:image/png"), std::string::npos);
}

TEST(RunConfigFile, ShapesYamlIsTheEmbeddedDemo) {
  const fs::path config = fs::path(NOISESCOPE_SOURCE_DIR) / "config";
  EXPECT_EQ(to_json(load_run_config(config / "shapes.yaml", {})), to_json(demo_config()));
  for (const char* name : {"model_small.yaml", "model_default.yaml", "model_large.yaml"}) {
    EXPECT_NO_THROW(load_run_config(config / name, {})) << name;
  }
}

// A budget of CLIP training that is stated stands alone: the default's images do not end it before.
TEST(RunConfigFile, AStatedClipBudgetReplacesTheDefault) {
  EXPECT_EQ(load_run_config("", {}).clip_train.images, 64000);
  EXPECT_EQ(load_run_config("", {"clip_train.seconds=90"}).clip_train.images, 0);
  EXPECT_EQ(load_run_config("", {"clip_train.steps=9"}).clip_train.images, 0);
  const fs::path small = fs::path(NOISESCOPE_SOURCE_DIR) / "config" / "model_small.yaml";
  EXPECT_EQ(load_run_config(small, {}).clip_train.images, 0);
}

TEST(RunConfigFile, ErrorsNameFileLineAndTheNearestKey) {
  const fs::path path = fs::path(::testing::TempDir()) / "noisescope_bad.yaml";
  write_file_atomic(path, "seed: 1\ntrain:\n  bugdet: 10s\n");
  try {
    load_run_config(path, {});
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("noisescope_bad.yaml:3"), std::string::npos) << text;
    EXPECT_NE(text.find("budget"), std::string::npos) << text;
  }
  EXPECT_THROW(load_run_config("", {"network.channels"}), ConfigError);
  EXPECT_THROW(load_run_config("", {"network.image_size=64"}), ConfigError);
  EXPECT_THROW(load_run_config("", {"train.budget=10parsecs"}), ValueError);
}

// Configurations of before say draw for sample, type for kind, clip for clamp, clip_norm for max_grad_norm and seed
// for xnoise.
TEST(RunConfigFile, OldNamesAreRead) {
  const fs::path folder = ::testing::TempDir();
  const std::string old_text =
      "draw:\n  grid:\n    type: log_snr\n    steps: 7\n  guidance:\n    clip: 0.5\n"
      "precondition:\n  schedule:\n    type: cosine\n"
      "train:\n  clip_norm: 0.25\n"
      "network:\n  kind: seed\n";
  const std::string new_text =
      "sample:\n  grid:\n    kind: log_snr\n    steps: 7\n  guidance:\n    clamp: 0.5\n"
      "precondition:\n  schedule:\n    kind: cosine\n"
      "train:\n  max_grad_norm: 0.25\n"
      "network:\n  kind: xnoise\n";
  write_file_atomic(folder / "noisescope_old_names.yaml", old_text);
  write_file_atomic(folder / "noisescope_new_names.yaml", new_text);
  const RunConfig now = load_run_config(folder / "noisescope_new_names.yaml", {});
  EXPECT_EQ(to_json(load_run_config(folder / "noisescope_old_names.yaml", {})), to_json(now));
  EXPECT_EQ(
      to_json(load_run_config("", {"draw.grid.type=log_snr", "draw.grid.steps=7", "draw.guidance.clip=0.5",
                                   "precondition.schedule.type=cosine", "train.clip_norm=0.25", "network.kind=seed"})),
      to_json(now));
  EXPECT_EQ(now.sample.grid.kind, GridKind::log_snr);
  EXPECT_EQ(now.sample.guidance.clamp, 0.5);
  EXPECT_EQ(now.train.max_grad_norm, 0.25);
  EXPECT_EQ(now.network.kind, NetworkKind::xnoise);
  EXPECT_NE(to_json(now), to_json(demo_config()));
}

}  // namespace
}  // namespace noisescope
