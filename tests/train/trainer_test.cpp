// The promises of train(): exact resume, crashes that lose little, refusals.
#include "noisescope/train/trainer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/train/metrics.h"
#include "tests/train/tiny_problem.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

fs::path trainer_folder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("noisescope_trainer_" + name);
  fs::remove_all(folder);
  return folder;
}

TrainResult run(const TrainSetup& setup, const fs::path& folder, const TrainObserver& observer = {},
                const Control& control = {}) {
  TrainSetup there = setup;
  there.folder = folder;
  return train_model(tiny_model(std::make_shared<TinyNetwork>()), {tiny_batch, tiny_batch}, there, observer, control);
}

/// Trains until the given update, then stops on request.
void run_until(const TrainSetup& setup, const fs::path& folder, int64_t last_step) {
  std::stop_source stop;
  TrainObserver observer;
  observer.on_step = [&](const TrainStep& now) {
    if (now.step == last_step) stop.request_stop();
  };
  EXPECT_THROW(run(setup, folder, observer, {{}, stop.get_token()}), Interrupted);
}

Checkpoint last_checkpoint(const fs::path& folder, const TrainSetup& setup) {
  std::optional<Checkpoint> found = load_latest_checkpoint(folder / "checkpoints", setup.identity, {});
  if (!found) throw ModelError("no checkpoint in " + folder.string());
  return *std::move(found);
}

void expect_equal(const NamedTensors& a, const NamedTensors& b, const char* what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (const auto& [name, value] : a) EXPECT_TRUE(torch::equal(value, b.at(name))) << what << name;
}

std::vector<std::string> metrics_without_time(const fs::path& folder) {
  std::vector<std::string> lines;
  for (nlohmann::ordered_json record : read_metrics(folder / "metrics.jsonl")) {
    nlohmann::ordered_json kept;
    for (const auto& [key, value] : record.items()) {
      if (!is_time_field(key)) kept[key] = value;
    }
    lines.push_back(kept.dump());
  }
  return lines;
}

/// Weights, average, optimiser and metrics of two finished runs are the same bits.
void expect_same_run(const fs::path& a, const fs::path& b, const TrainSetup& setup) {
  const Checkpoint x = last_checkpoint(a, setup), y = last_checkpoint(b, setup);
  EXPECT_EQ(x.state.step, y.state.step);
  EXPECT_EQ(x.state.images, y.state.images);
  expect_equal(x.model, y.model, "model ");
  expect_equal(x.ema, y.ema, "ema ");
  expect_equal(x.optimizer, y.optimizer, "optimizer ");
  EXPECT_EQ(metrics_without_time(a), metrics_without_time(b));
}

TEST(Trainer, AnInterruptedRunEndsBitIdenticalToAnUninterruptedOne) {
  for (const char* budget : {"30steps", "240images", "30epochs"}) {
    const TrainSetup setup = tiny_setup(budget);
    const fs::path whole = trainer_folder("whole"), parts = trainer_folder("parts");
    run(setup, whole);
    for (const int64_t step : {1, 7, 18, 29}) run_until(setup, parts, step);
    EXPECT_TRUE(run(setup, parts).resumed);
    expect_same_run(whole, parts, setup);
  }
}

TrainSetup measuring_setup(int64_t& measured) {
  TrainSetup setup = tiny_setup("30steps");
  setup.noise_levels.distribution = NoiseDistribution::information;
  setup.noise_levels.early_share = 0.3;
  setup.train.prefetch = true;
  setup.measure_levels = [&measured] {
    ++measured;
    return NoiseLevelOptions{.mean = 2.0, .std = 0.1};
  };
  return setup;
}

TEST(Trainer, MeasuresNoiseLevelsOnceAndGoesOnWithThem) {
  int64_t measured = 0;
  const TrainSetup setup = measuring_setup(measured);
  const fs::path whole = trainer_folder("measured"), parts = trainer_folder("measured_parts");
  run(setup, whole);
  EXPECT_EQ(measured, 1);
  EXPECT_EQ(last_checkpoint(whole, setup).state.levels.value_or(NoiseLevelOptions{}).mean, 2.0);
  for (const int64_t step : {8, 9, 10, 20}) run_until(setup, parts, step);
  run(setup, parts);
  EXPECT_EQ(measured, 2);  // not again after the checkpoint that knows them
  expect_same_run(whole, parts, setup);

  TrainSetup unfitted = setup;
  unfitted.noise_levels.distribution = NoiseDistribution::lognormal;
  const fs::path usual = trainer_folder("unmeasured");
  run(unfitted, usual);
  const NamedTensors a = last_checkpoint(whole, setup).model, b = last_checkpoint(usual, unfitted).model;
  EXPECT_FALSE(torch::equal(a.begin()->second, b.begin()->second));
}

TEST(Trainer, RefusesInformationWithoutAMeasurement) {
  int64_t measured = 0;
  TrainSetup setup = measuring_setup(measured);
  setup.measure_levels = nullptr;
  EXPECT_THROW(run(setup, trainer_folder("unmeasurable")), ValueError);
}

TEST(Trainer, PrefetchChangesNothing) {
  TrainSetup setup = tiny_setup("20steps");
  const fs::path plain = trainer_folder("plain"), ahead = trainer_folder("ahead");
  run(setup, plain);
  setup.train.prefetch = true;
  run(setup, ahead);
  expect_same_run(plain, ahead, setup);
}

TEST(Trainer, GoesOnInAnotherPrecisionAndSaysSo) {
  TrainSetup setup = tiny_setup("20steps");
  setup.train.precision = Precision::bfloat16;
  const fs::path whole = trainer_folder("half"), parts = trainer_folder("half_parts");
  std::vector<std::string> notices;
  TrainObserver observer;
  observer.notice = [&](const std::string& text) { notices.push_back(text); };
  run(setup, whole, observer);
  EXPECT_EQ(last_checkpoint(whole, setup).state.precision, Precision::bfloat16);
  for (const int64_t step : {3, 11}) run_until(setup, parts, step);
  run(setup, parts, observer);
  expect_same_run(whole, parts, setup);
  EXPECT_EQ(notices, std::vector<std::string>{"going on after 88 images"});

  const fs::path mixed = trainer_folder("mixed");
  run_until(setup, mixed, 5);
  setup.train.precision = Precision::float32;
  notices.clear();
  run(setup, mixed, observer);
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(notices[1], "going on in float32, begun in bfloat16: the numbers will not be those of one machine");
}

TEST(Trainer, KillAtAnyMomentLosesAtMostTheWorkSinceTheLastCheckpoint) {
  TrainSetup setup = tiny_setup("400steps");
  setup.train.checkpoint_every = 5;
  const fs::path whole = trainer_folder("unkilled"), killed = trainer_folder("killed");
  run(setup, whole);
  for (int round = 0; round < 6; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      run(setup, killed);
      _exit(0);
    }
    usleep(20000 + 37000 * round);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  run(setup, killed);
  expect_same_run(whole, killed, setup);
}

TEST(Trainer, ADamagedCheckpointIsNamedAndPassedOver) {
  const TrainSetup setup = [] {
    TrainSetup s = tiny_setup("30steps");
    s.train.checkpoint_every = 5;
    return s;
  }();
  const fs::path whole = trainer_folder("sound"), folder = trainer_folder("damaged");
  run(setup, whole);
  run_until(setup, folder, 12);
  const fs::path newest = list_checkpoints(folder / "checkpoints").front();
  std::string weights = read_file(newest / "model.safetensors");
  weights[weights.size() / 2] ^= 1;
  write_file_atomic(newest / "model.safetensors", weights);
  std::vector<std::string> notices;
  TrainObserver observer;
  observer.notice = [&](const std::string& text) { notices.push_back(text); };
  run(setup, folder, observer);
  ASSERT_FALSE(notices.empty());
  EXPECT_NE(notices.front().find(newest.filename().string()), std::string::npos) << notices.front();
  expect_same_run(whole, folder, setup);
}

TEST(Trainer, AnotherConfigurationIsRefusedNamingItsKeys) {
  TrainSetup setup = tiny_setup("4steps");
  const fs::path folder = trainer_folder("foreign");
  run(setup, folder);
  setup.identity.config_json = R"({"train":{"batch_size":8,"log_every":9},"network":{"hidden":32}})";
  try {
    run(setup, folder);
    FAIL() << "no error";
  } catch (const ModelError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("network.hidden"), std::string::npos) << text;
    EXPECT_EQ(text.find("log_every"), std::string::npos) << text;  // free to change
  }
}

TEST(Trainer, KeysThatAnOlderCheckpointLacksStandForTheirDefaults) {
  TrainSetup setup = tiny_setup("4steps");
  const fs::path folder = trainer_folder("older");
  run(setup, folder);
  setup.identity.config_json = R"({"train":{"batch_size":8,"log_every":4,"mask":"sample"},"network":{"hidden":48}})";
  setup.identity.defaults_json = R"({"train":{"batch_size":1,"mask":"sample"}})";
  EXPECT_TRUE(run(setup, folder).resumed);
  setup.identity.defaults_json = R"({"train":{"mask":"element"}})";
  EXPECT_THROW(run(setup, folder), ModelError);
}

TEST(Trainer, ASecondRunOnOneFolderIsRefused) {
  const fs::path folder = trainer_folder("locked");
  make_folder(folder / "checkpoints");
  const FolderLock other(folder / "checkpoints");
  EXPECT_THROW(run(tiny_setup("4steps"), folder), IoError);
}

TEST(Trainer, ALossThatIsNotFiniteStopsAndKeepsTheLastGoodCheckpoint) {
  TrainSetup setup = tiny_setup("40steps");
  setup.train.checkpoint_every = 8;
  const fs::path folder = trainer_folder("nan");
  const BatchSource poisoned = [](int64_t first, int64_t count) {
    TrainBatch batch = tiny_batch(first, count);
    if (first >= 8 * 20) batch.images.fill_(std::nan(""));
    return batch;
  };
  TrainSetup there = setup;
  there.folder = folder;
  EXPECT_THROW(train_model(tiny_model(std::make_shared<TinyNetwork>()), {poisoned, tiny_batch}, there), NumericError);
  EXPECT_EQ(last_checkpoint(folder, setup).state.step, 16);
}

TEST(Trainer, ABudgetInSecondsGoesOnWithWhatIsLeft) {
  const TrainSetup setup = tiny_setup("0.5s");
  const fs::path folder = trainer_folder("seconds");
  run_until(setup, folder, 5);
  const double before = last_checkpoint(folder, setup).state.seconds;
  EXPECT_GT(before, 0);
  const TrainResult result = run(setup, folder);
  EXPECT_TRUE(result.resumed);
  EXPECT_GE(result.state.seconds, 0.5);
  EXPECT_GT(result.state.step, 5);
}

TEST(Trainer, RunningAFinishedRunAgainChangesNothing) {
  const TrainSetup setup = tiny_setup("12steps");
  const fs::path folder = trainer_folder("finished");
  run(setup, folder);
  const std::string metrics = read_file(folder / "metrics.jsonl");
  fs::create_directories(folder / "checkpoints/step-00000004.partial");  // of a process killed while it thinned
  EXPECT_EQ(run(setup, folder).state.step, 12);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), metrics);
  EXPECT_FALSE(fs::exists(folder / "checkpoints/step-00000004.partial"));
}

TEST(Trainer, ALargerBudgetGoesOnFromAFinishedRunAlongItsSchedule) {
  TrainSetup setup = tiny_setup("12steps");
  setup.identity.free_keys.emplace_back("train.budget");
  const fs::path folder = trainer_folder("longer");
  run(setup, folder);
  setup.train.budget = "24steps";
  std::vector<std::string> notices;
  std::vector<double> rates;
  int64_t validations = 0;
  TrainObserver observer;
  observer.notice = [&](const std::string& text) { notices.push_back(text); };
  observer.on_step = [&](const TrainStep& step) { rates.push_back(step.learning_rate); };
  observer.on_validation = [&](const Validation&) { ++validations; };
  const TrainResult result = run(setup, folder, observer);
  EXPECT_EQ(result.state.step, 24);
  EXPECT_TRUE(result.state.finished);
  ASSERT_EQ(rates.size(), 12u);
  EXPECT_EQ(rates.front(), learning_rate_at(setup.train.schedule, 12, 0.5));
  EXPECT_EQ(rates.back(), learning_rate_at(setup.train.schedule, 23, 23.0 / 24));
  EXPECT_EQ(validations, 3);  // at 60 and 90 % of the new budget, and at its end
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_NE(notices[0].find("50 % of the new budget"), std::string::npos) << notices[0];
  EXPECT_NE(notices[0].find("goes on from 0.005"), std::string::npos) << notices[0];
}

// The gradient of a batch is the mean over its passes: the noise is the same, image by image.
TEST(Trainer, AccumulationEqualsTheBigBatch) {
  TrainSetup big = tiny_setup("12steps"), small = big;
  small.train.batch_size = 2;
  small.train.accumulate = 4;
  const fs::path a = trainer_folder("big"), b = trainer_folder("small");
  run(big, a);
  run(small, b);
  const NamedTensors x = last_checkpoint(a, big).model, y = last_checkpoint(b, small).model;
  for (const auto& [name, value] : x) {
    EXPECT_TRUE(torch::allclose(value, y.at(name), 1e-3, 1e-4)) << name;
  }
}

TEST(Trainer, LearnsATinyProblem) {
  const fs::path folder = trainer_folder("learns");
  TrainSetup setup = tiny_setup("1500steps");
  setup.train.validate_every = 0;
  std::vector<double> losses;
  TrainObserver observer;
  observer.on_validation = [&](const Validation& v) { losses.push_back(v.loss); };
  run(setup, folder, observer);
  run(tiny_setup("1steps"), trainer_folder("untrained"), observer);
  ASSERT_EQ(losses.size(), 2u);
  EXPECT_LT(losses[0], 0.5 * losses[1]);
}

}  // namespace
}  // namespace noisescope
