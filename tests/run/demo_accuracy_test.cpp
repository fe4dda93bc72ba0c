// The demo's own budgets. They count images: what it reaches does not depend on the machine's speed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "noisescope/core/device.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope {
namespace {

/// Where other slow checks find the run (ctest's fixture demo_run).
std::filesystem::path demo_folder() {
  const char* place = std::getenv("NOISESCOPE_DEMO_OUT");
  return place ? std::filesystem::path(place)
               : std::filesystem::path(::testing::TempDir()) / "noisescope_demo_accuracy";
}

TEST(SlowDemo, DrawsWhatIsAskedAfterAFixedNumberOfImages) {
  configure_process(1);  // other slow checks run beside it
  const RunFolder folder{demo_folder()};
  std::filesystem::remove_all(folder.root);
  RunConfig config = demo_config();
  config.train.validate_every = 0;
  config.evaluation.samples = 256;
  config.evaluation.sweep_samples = 2;
  config.evaluation.scales = {1.0};
  train_run(config, folder, {}, {});

  const TextToImage model = load_run_model(folder, torch::kCPU);
  const WorldEvaluation evaluation = evaluate_world(model, config, {});
  RecordProperty("scene_accuracy", std::to_string(evaluation.strict.joint.value));
  EXPECT_GE(evaluation.strict.joint.value, 0.93);  // within five points of what README says
  const auto clip = nlohmann::ordered_json::parse(read_file(folder.clip_report()));
  EXPECT_GE(clip.at("zero_shot").at("value").get<double>(), 0.98);
}

}  // namespace
}  // namespace noisescope
