// A run folder, a record and pictures of version 0.1, made before names were changed (draw, clip, clip_norm, type):
// tests/golden/run_0_1, the tiny run of "train --set network.channels=[8,8] ..." and "sample --record full".
#include <gtest/gtest.h>

#include "noisescope/io/safetensors.h"
#include "noisescope/model/trajectory_record.h"
#include "noisescope/run/train_run.h"

namespace noisescope {
namespace {

const std::string kPrompt = "a red square left of a blue disc on dark";

class OldRun : public ::testing::Test {
 protected:
  const RunFolder folder{NOISESCOPE_SOURCE_DIR "/tests/golden/run_0_1"};
  const RunConfig config = load_run_config_of(folder);
  const TextToImage network = load_run_model(folder, torch::kCPU);
  const Model model = run_model(network, config, folder);
};

TEST_F(OldRun, IsReadUnderTheNewNames) {
  EXPECT_EQ(config.sample.grid.steps, 3);
  EXPECT_EQ(config.sample.grid.kind, GridKind::karras);
  EXPECT_EQ(config.sample.guidance.clamp, 1);
  EXPECT_EQ(config.train.max_grad_norm, 2);
  const RunConfig changed = load_run_config_of(folder, {"sample.grid.steps=5", "sample.guidance.clamp=0"});
  EXPECT_EQ(changed.sample.grid.steps, 5);
  EXPECT_EQ(changed.sample.guidance.clamp, 0);
}

TEST_F(OldRun, DrawsThePicturesThatItDrew) {
  const Tensor then = read_safetensors(folder.root / "pictures.safetensors").at("pictures");
  const Tensor now = sample_pictures(network, {{kPrompt, kPrompt}}, config.sample);
  EXPECT_LT((now - then).abs().max().item<double>(), 1e-5);  // threads and kernels round differently
}

TEST_F(OldRun, ItsRecordIsATrajectory) {
  const RecordedTrajectory read = read_trajectory(model, load_record(folder.root / "record.safetensors"), 1);
  EXPECT_EQ(read.prompt, kPrompt);
  EXPECT_EQ(read.trajectory.count(), 2);
  EXPECT_TRUE(read.trajectory.has_both_branches());
  EXPECT_EQ(read.trajectory.noise().sample_ids, (std::vector<int64_t>{1, 0}));
  EXPECT_LT((read.trajectory.redraw() - read.trajectory.pictures()).abs().max().item<double>(), 1e-5);
}

}  // namespace
}  // namespace noisescope
