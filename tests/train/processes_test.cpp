// Several processes train the model that one trains, bit for bit.
#include <mutex>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/train/metrics.h"
#include "noisescope/train/trainer.h"
#include "tests/processes/joined.h"
#include "tests/train/tiny_problem.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

fs::path processes_folder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("noisescope_processes_" + name);
  fs::remove_all(folder);
  return folder;
}

TrainSetup in_blocks(const std::string& budget, OptimizerKind kind = OptimizerKind::muon) {
  TrainSetup setup = tiny_setup(budget);
  setup.train.blocks = 4;
  setup.train.accumulate = 2;
  setup.train.optimizer.kind = kind;
  return setup;
}

/// Trains with so many processes; the others are given a folder that they must not touch.
std::vector<std::string> train_with(int64_t processes, const TrainSetup& setup, const fs::path& folder,
                                    const TrainObserver& observer = {}) {
  const fs::path forbidden = folder.string() + "_of_others";
  const auto thrown = processes::joined(processes, [&](const std::shared_ptr<Group>& group) {
    TrainSetup here = setup;
    here.group = group;
    here.folder = group->leads() ? folder : forbidden;
    train_model(tiny_model(std::make_shared<TinyNetwork>()), {tiny_batch, tiny_batch}, here, observer);
  });
  EXPECT_FALSE(fs::exists(forbidden));
  return thrown;
}

Checkpoint end_of(const fs::path& folder, const TrainSetup& setup) {
  return load_latest_checkpoint(folder / "checkpoints", setup.identity, {}).value();
}

void expect_same_end(const fs::path& a, const fs::path& b, const TrainSetup& setup) {
  const Checkpoint first = end_of(a, setup), second = end_of(b, setup);
  EXPECT_EQ(first.state.step, second.state.step);
  for (const auto& part : {&Checkpoint::model, &Checkpoint::ema, &Checkpoint::optimizer}) {
    const NamedTensors &here = first.*part, &there = second.*part;
    ASSERT_EQ(here.size(), there.size());
    for (const auto& [name, value] : here) EXPECT_TRUE(torch::equal(value, there.at(name))) << name;
  }
  const auto losses = [](const fs::path& folder) {
    std::vector<double> found;
    for (const auto& record : read_metrics(folder / "metrics.jsonl")) {
      for (const char* key : {"loss", "gradient_norm", "validation_loss"}) {
        if (record.contains(key)) found.push_back(record[key]);
      }
    }
    return found;
  };
  EXPECT_EQ(losses(a), losses(b));
}

void expect_nothing_thrown(const std::vector<std::string>& thrown) {
  for (const std::string& words : thrown) EXPECT_EQ(words, "");
}

TEST(TrainWithProcesses, GivesTheBitsOfOne) {
  for (const OptimizerKind kind : {OptimizerKind::muon, OptimizerKind::adamw}) {
    const TrainSetup setup = in_blocks("12steps", kind);
    const fs::path one = processes_folder("one");
    expect_nothing_thrown(train_with(1, setup, one));
    for (const int64_t processes : {2, 3, 4}) {
      const fs::path many = processes_folder("many");
      expect_nothing_thrown(train_with(processes, setup, many));
      expect_same_end(one, many, setup);
    }
  }
}

TEST(TrainWithProcesses, GoesOnWithAnotherNumberOfThem) {
  const TrainSetup whole = in_blocks("12steps");
  const fs::path straight = processes_folder("straight"), changed = processes_folder("changed");
  expect_nothing_thrown(train_with(1, whole, straight));
  TrainObserver observer;
  observer.on_step = [](const TrainStep& step) {
    if (step.step == 6) throw Interrupted("stop");
  };
  EXPECT_EQ(train_with(3, whole, changed, observer).front(), "stop");
  EXPECT_EQ(end_of(changed, whole).state.step, 6);
  expect_nothing_thrown(train_with(2, whole, changed));
  expect_same_end(straight, changed, whole);
}

TEST(TrainWithProcesses, OneThatFailsStopsTheOthersWithItsWordsAndNothingIsLost) {
  const TrainSetup setup = in_blocks("12steps");
  const fs::path folder = processes_folder("failing");
  const auto thrown = processes::joined(2, [&](const std::shared_ptr<Group>& group) {
    TrainSetup here = setup;
    here.group = group;
    here.folder = folder;
    const BatchSource source = [&](int64_t first, int64_t count) {
      if (!group->leads() && first >= 6 * 16) throw DataError("[data] the disk is gone");
      return tiny_batch(first, count);
    };
    train_model(tiny_model(std::make_shared<TinyNetwork>()), {source, tiny_batch}, here);
  });
  EXPECT_NE(thrown[0].find("process 1 of 2 ended with: [data] the disk is gone"), std::string::npos) << thrown[0];
  EXPECT_EQ(end_of(folder, setup).state.step, 6);
}

}  // namespace
}  // namespace noisescope
