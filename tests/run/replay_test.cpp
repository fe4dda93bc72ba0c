// A run folder suffices to make the run again.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/threads.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/run/replay.h"
#include "noisescope/run/train_run.h"
#include "noisescope/run/training_starts.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using test::fresh_folder;
using test::refusal;
using test::tiny_config;

/// tiny_config with a smaller network and a checkpoint after every update.
RunConfig replay_config() {
  RunConfig config = tiny_config();
  config.network.channels = {8, 8};
  config.network.head_width = 8;
  config.network.attention_resolutions = {8};
  config.train.checkpoint_every = 1;
  return config;
}

RunFolder trained(const std::string& name, const RunConfig& config = replay_config()) {
  const RunFolder folder = fresh_folder(name);
  train_run(config, folder, {}, {});
  return folder;
}

/// Trains with one thread.
class ReplayRun : public ::testing::Test {
 protected:
  void SetUp() override { fix_threads(1); }
  void TearDown() override { fix_threads(before_); }

 private:
  const int before_ = at::get_num_threads();
};

Replay replayed(const RunFolder& folder) { return replay_run(folder, {}, {}); }

std::string differing_parts(const Replay& replay) {
  std::string names;
  for (const ReplayedPart& part : replay.parts) {
    if (!part.is_equal()) names += part.name + ": " + part.difference + "\n";
  }
  return names;
}

TEST_F(ReplayRun, MakesTheRunAgainToTheBit) {
  const RunFolder folder = trained("replayed");
  const Replay replay = replayed(folder);
  EXPECT_EQ(differing_parts(replay), "");
  EXPECT_EQ(replay.parts.size(), 5u);
  EXPECT_TRUE(replay.is_equal());
  EXPECT_EQ(replay.reasons, std::vector<std::string>{});
  EXPECT_EQ(ordered_json::parse(read_file(folder.replay() / "replay.json")).at("equal"), true);
  EXPECT_TRUE(replayed(folder).is_equal());  // nothing is left to train: compares
}

TEST_F(ReplayRun, SaysWhatDiffersAndWhatMayExplainIt) {
  const RunFolder folder = trained("replay_differs");
  TensorFile model = read_safetensors(folder.model());
  model.tensors.begin()->second.view(-1)[0] += 0.5;
  write_safetensors(folder.model(), model);
  auto starts = ordered_json::parse(read_file(folder.starts()));
  starts[0]["facts"]["cpu capability"] = "AVX9";
  write_file_atomic(folder.starts(), starts.dump());

  const Replay replay = replayed(folder);
  EXPECT_FALSE(replay.is_equal());
  const std::string differs = differing_parts(replay);
  EXPECT_TRUE(differs.starts_with("model: apart by 0.5 at most, in " + model.tensors.begin()->first)) << differs;
  ASSERT_EQ(replay.reasons.size(), 1u);
  EXPECT_TRUE(replay.reasons[0].starts_with("cpu capability: AVX9 in the run from update 0 on")) << replay.reasons[0];
}

TEST_F(ReplayRun, MetricsAreComparedWithoutTheirTimes) {
  const RunFolder folder = trained("replay_metrics");
  const std::string before = read_file(folder.metrics());
  write_file_atomic(folder.metrics(), before + R"({"step": 3, "loss": 0.25, "seconds": 7})" + "\n");
  EXPECT_EQ(differing_parts(replayed(folder)), "metrics: 3 lines, now 2\n");
}

/// A run of six updates whose first start had another budget.
RunFolder lengthened(const std::string& name, const std::string& first_budget, int64_t stop_at) {
  RunConfig config = replay_config();
  config.train.validate_every = 0.5;
  config.train.budget = first_budget;
  const RunFolder folder = fresh_folder(name);
  TrainRunRequest request;
  request.on_step = [&](const TrainStep& now) {
    if (now.step == stop_at) throw Interrupted("stopped");
  };
  if (stop_at > 0) {
    EXPECT_THROW(train_run(config, folder, request, {}), Interrupted);
  } else {
    train_run(config, folder, {}, {});
  }
  config.train.budget = "6steps";
  train_run(config, folder, {}, {});
  return folder;
}

TEST_F(ReplayRun, GoesThroughTheBudgetsOfALengthenedRun) {
  const RunFolder folder = lengthened("replay_longer", "2steps", 0);
  ASSERT_EQ(load_starts(folder).size(), 2u);
  EXPECT_EQ(load_starts(folder)[1].before, (Reached{2, true}));
  EXPECT_EQ(differing_parts(replayed(folder)), "");
  EXPECT_TRUE(replayed(folder).is_equal());
}

TEST_F(ReplayRun, GoesThroughABudgetThatWasRaisedOnTheWay) {
  const RunFolder folder = lengthened("replay_raised", "4steps", 3);
  ASSERT_EQ(load_starts(folder).size(), 2u);
  EXPECT_EQ(load_starts(folder)[1].before, (Reached{3, false}));
  EXPECT_EQ(differing_parts(replayed(folder)), "");
}

TEST_F(ReplayRun, StartsThatDifferInNothingAreNotedOnce) {
  const RunFolder folder = trained("replay_starts");
  train_run(load_run_config_of(folder), folder, {}, {});
  const std::vector<TrainingStart> starts = load_starts(folder);
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].facts.at("threads"), "1");
  EXPECT_EQ(starts[0].facts.at("threads follow the machine"), "no");
  EXPECT_EQ(starts[0].facts.at("device"), "cpu");
}

TEST_F(ReplayRun, SecondsAreReplayedByTheUpdatesThatTheyGave) {
  RunConfig config = replay_config();
  config.train.budget = "0.05s";
  config.clip_train.seconds = 0.05;
  config.clip_train.steps = 0;
  const RunFolder folder = trained("replay_seconds", config);
  const Replay replay = replayed(folder);
  ASSERT_EQ(replay.reasons.size(), 2u);
  EXPECT_TRUE(replay.reasons[0].starts_with("train.budget 0.05s counts seconds")) << replay.reasons[0];
  EXPECT_TRUE(replay.reasons[1].starts_with("clip_train.seconds counts seconds: as many")) << replay.reasons[1];
  const auto images = [](const RunFolder& run) {
    return ordered_json::parse(read_file(run.training())).at("images").get<int64_t>();
  };
  EXPECT_EQ(images(RunFolder{folder.replay()}), images(folder));
}

TEST_F(ReplayRun, RefusesWhatCannotBeReplayed) {
  const RunFolder folder = trained("replay_refused");
  EXPECT_NE(refusal([&] {
              replay_run(folder, {folder.root, "", 0, torch::kCPU}, {});
            }).find("another folder"),
            std::string::npos);
  auto data = ordered_json::parse(read_file(folder.data()));
  data["fingerprint"] = "of something else";
  write_file_atomic(folder.data(), data.dump());
  EXPECT_THROW(replayed(folder), DataError);
  EXPECT_FALSE(fs::exists(folder.replay()));
  fs::remove(folder.training());
  EXPECT_THROW(replayed(folder), ModelError);
  EXPECT_THROW(replayed(RunFolder{folder.root / "nothing"}), DataError);
  write_file_atomic(folder.starts(), "{\"step\": 1}");
  EXPECT_THROW(load_starts(folder), FormatError);
}

TEST_F(ReplayRun, DataThatAreGoneAreNamed) {
  const RunFolder folder = trained("replay_gone");
  RunConfig config = load_run_config_of(folder);
  config.data.kind = DataKind::folder;
  config.data.path = "/nowhere/cats";
  write_file_atomic(folder.config(), to_yaml(config));
  const std::string text = refusal([&] { replayed(folder); });
  EXPECT_NE(text.find("at /nowhere/cats, got nothing there; say where they are now"), std::string::npos) << text;
}

}  // namespace
}  // namespace noisescope
