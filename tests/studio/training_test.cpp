// A run that is watched: from its start on, before it can draw, and what its folder records.
#include "noisescope/studio/training.h"

#include <gtest/gtest.h>

#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/run/run_config.h"
#include "noisescope/studio/asking.h"
#include "noisescope/studio/drawing.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/run_to_come.h"

namespace noisescope {
namespace {

class WatchedRun : public testing::Test {
 protected:
  WatchedRun() : folder_{std::filesystem::path(testing::TempDir()) / "noisescope_watched"} {
    std::filesystem::remove_all(folder_.root);
    std::filesystem::create_directories(folder_.samples());
    RunConfig config = demo_config();
    config.data.load.image_size_px = 32;
    config.train.budget = "600images";
    write_file_atomic(folder_.config(), to_yaml(config));
  }
  RunFolder folder_;
};

TEST_F(WatchedRun, TellsItsCurvesAndPreviews) {
  EXPECT_EQ(training_json(folder_)["state"], "stopped");
  EXPECT_EQ(training_json(folder_)["rows"].size(), 0u);
  write_file_atomic(folder_.metrics(),
                    "{\"images\": 10, \"loss\": 1.5, \"loss/-2.0\": 3}\n{\"images\": 20, \"accuracy\": 0.5}\n"
                    "{\"images\": 30, \"lo");  // being written
  for (const char* name : {"preview-200.png", "preview-30.png", "preview-1000.png", "preview-4.png", "preview-x.png",
                           "preview-.png", "other.png"}) {
    write_file_atomic(folder_.samples() / name, name);
  }
  const Json training = training_json(folder_);
  EXPECT_EQ(training["columns"], Json({"images", "loss", "accuracy"}));
  EXPECT_EQ(training["rows"], Json::parse("[[10, 1.5, null], [20, null, 0.5]]"));
  EXPECT_EQ(training["images_total"], 600);
  std::vector<int64_t> images;
  for (const Json& preview : training["previews"]) images.push_back(preview["images_seen"]);
  EXPECT_EQ(images, (std::vector<int64_t>{4, 30, 200, 1000}));  // in the order of the training
  EXPECT_EQ(training["previews"][2]["file"], "preview-200.png");
  EXPECT_EQ(training_size(folder_), (TrainingSize{2, 4}));
  EXPECT_EQ(preview_bytes(folder_, "preview-30.png"), "preview-30.png");
  EXPECT_THROW(preview_bytes(folder_, "other.png"), NotThere);
  EXPECT_THROW(preview_bytes(folder_, "preview-31.png"), NotThere);
  {
    const FolderLock lock(folder_.root);
    EXPECT_EQ(training_json(folder_)["state"], "running");
  }
  write_file_atomic(folder_.training(), "{}");
  EXPECT_EQ(training_json(folder_)["state"], "done");
}

TEST_F(WatchedRun, WaitsForItsFirstCheckpoint) {
  EXPECT_TRUE(is_to_come(folder_));
  EXPECT_FALSE(is_to_come(RunFolder{folder_.root / "nothing"}));
  Studio studio(model_to_come(folder_), {.folder = folder_, .waiting = kWaitsForCheckpoint});
  const Json model = model_json(studio);
  EXPECT_EQ(model["waiting"], kWaitsForCheckpoint);
  EXPECT_EQ(model["image"], Json({3, 32, 32}));
  EXPECT_THROW(draw(studio, {{"prompt", "a red disc"}}), NotNow);
  EXPECT_THROW(start_emergence(studio, {{"prompt", "a red disc"}, {"word", "red"}}), NotNow);
  EXPECT_EQ(words_json(studio, "a red disc")["error"], "");
  EXPECT_THROW(studio.model.condition({"a red disc"}), NotNow);
  write_file_atomic(folder_.model(), "");
  EXPECT_FALSE(is_to_come(folder_));
  std::filesystem::remove(folder_.model());
  std::filesystem::create_directories(folder_.root / "checkpoints" / "step-000003");
  EXPECT_FALSE(is_to_come(folder_));
}

}  // namespace
}  // namespace noisescope
