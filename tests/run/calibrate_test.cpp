#include "noisescope/run/calibrate_run.h"

#include <gtest/gtest.h>

#include "noisescope/explain/method.h"
#include "noisescope/io/file.h"
#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

using test::fresh_folder;
using test::refusal;
using test::tiny_config;

RunConfig calibrating(int64_t pictures) {
  RunConfig config = tiny_config();
  config.calibration.pictures = pictures;
  return config;
}

class CalibratedRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new RunFolder(fresh_folder("calibrated"));
    train_run(calibrating(8), *folder_, {}, {});
  }
  static void TearDownTestSuite() { delete folder_; }

  static const RunFolder& folder() { return *folder_; }
  static TextToImage network() { return load_run_model(folder(), torch::kCPU); }

 private:
  static inline RunFolder* folder_ = nullptr;
};

TEST_F(CalibratedRun, TrainingEndsWithCalibration) {
  const Calibration c = load_calibration(folder()).value();
  EXPECT_EQ(c.common.questions, 8);
  EXPECT_GE(c.common.noisy, 0);
  EXPECT_TRUE(c.kinds.contains("colour"));
  EXPECT_FALSE(c.calibrated.empty());
  EXPECT_NEAR(c.log_snr_max, cleanest_trained_log_snr(load_run_config_of(folder())), 1e-9);
}

TEST_F(CalibratedRun, ReadsWhatItWrote) {
  const RunConfig config = load_run_config_of(folder());
  const Calibration written = calibrate_run(network(), config, open_run_data(config, {}), folder(), {});
  const Calibration read = load_calibration(folder()).value();
  EXPECT_EQ(calibration_json(read), calibration_json(written));
}

TEST_F(CalibratedRun, ExplanationsUseItUnlessToldNotTo) {
  Model model = run_model(network(), load_run_config_of(folder()), folder());
  ASSERT_TRUE(model.calibration);
  model.calibration->kinds["colour"] = {0.5, 0.5};
  model.calibration->common.gain = {0.1, 0.05, 0.15};
  const Subject subject = make_subject(
      model, {.prompt = "a red square left of a blue disc on dark", .words = {"red"}, .pictures = 2, .paths = 2});
  const auto ask = [&](bool calibrated) {
    const ConfigNode settings = config_from_json({{"steps", 8}, {"calibrated", calibrated}}, "evidence");
    return find_method("evidence").ask(subject, settings, {}).as<Named<Evidence>>().answers.at(0);
  };
  const Evidence weighed = ask(true), plain = ask(false);
  EXPECT_TRUE(torch::equal(plain.log_posterior, plain.claimed));
  EXPECT_TRUE(torch::allclose(weighed.claimed, plain.claimed, 1e-6, 1e-6));
  EXPECT_TRUE(torch::allclose(weighed.log_posterior, (0.5 * plain.claimed).log_softmax(2), 1e-6, 1e-6));
}

TEST_F(CalibratedRun, RefusesADamagedFileByName) {
  const std::string good = read_file(folder().calibration());
  const auto refused = [&](const std::string& text) {
    write_file_atomic(folder().calibration(), text);
    return refusal([&] { load_calibration(folder()); });
  };
  for (const std::string& text : {std::string("{"), std::string("[]"), std::string("{\"format\": 2}")}) {
    EXPECT_NE(refused(text).find(folder().calibration().string()), std::string::npos) << text;
  }
  auto json = nlohmann::json::parse(good);
  json["kinds"]["colour"]["clean"] = -1;
  EXPECT_NE(refused(json.dump()).find("-1"), std::string::npos);
  write_file_atomic(folder().calibration(), good);
}

// It had one weight a level for all words, which was used on request alone.
TEST_F(CalibratedRun, WhatTheFirstFormatSaidIsNotUsed) {
  const RunFolder old = fresh_folder("calibrated_before");
  std::filesystem::create_directories(old.root);
  write_file_atomic(old.calibration(), R"({"questions": 64, "noisy": 2.2, "clean": 0.1})");
  EXPECT_FALSE(load_calibration(old));
}

TEST_F(CalibratedRun, ZeroPicturesLeaveItOut) {
  const RunConfig config = calibrating(0);
  const RunFolder plain = fresh_folder("not_calibrated");
  train_run(config, plain, {}, {});
  EXPECT_FALSE(load_calibration(plain));
  EXPECT_FALSE(run_model(load_run_model(plain, torch::kCPU), config, plain).calibration);
}

TEST_F(CalibratedRun, TooFewPicturesAreANotice) {
  std::vector<std::string> notices;
  TrainRunRequest request;
  request.notice = [&](const std::string& text) { notices.push_back(text); };
  const RunFolder few = fresh_folder("few_calibrated");
  train_run(calibrating(3), few, request, {});
  EXPECT_FALSE(load_calibration(few));
  EXPECT_TRUE(std::any_of(notices.begin(), notices.end(), [](const std::string& text) {
    return text.find("calibration.pictures") != std::string::npos;
  }));
}

}  // namespace
}  // namespace noisescope
