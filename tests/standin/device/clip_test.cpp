// The encoder learns and embeds on a device as on the CPU.
#include "noisescope/clip/contrastive.h"
#include "noisescope/core/random.h"
#include "noisescope/nn/module_state.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

using test::expect_same;
using test::tested_device;

const std::vector<std::string> kCaptions = {"a red disc", "a blue square", "a green cross", "two discs"};

ClipModel small_clip() {
  ClipOptions options;
  options.image.image_size = 16;
  return {options, Tokenizer::train(kCaptions, {}), 3};
}

ClipBatch batch_of(int64_t step) {
  const auto first = 6 * step;
  return {Random(2).uniform(Purpose::scene, 0, sample_range(first, 6), {3, 16, 16}) * 2 - 1, {0, 1, 2, 3, 1, 0}, {}};
}

TEST(ClipOnDevice, LearnsWhatItLearnsOnTheCpu) {
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::muon}) {
    std::vector<ClipTrainStatus> heard[2];
    const torch::Device devices[2] = {torch::kCPU, tested_device()};
    for (int k = 0; k < 2; ++k) {
      const ClipModel model = small_clip();
      model.to(devices[k]);
      ClipTrainOptions options;
      options.steps = 5;
      options.log_every = 1;
      options.optimizer.kind = kind;
      train_clip(model, {kCaptions, batch_of, 4}, options, {},
                 [&](const ClipTrainStatus& status) { heard[k].push_back(status); });
    }
    ASSERT_EQ(heard[1].size(), heard[0].size());
    for (size_t i = 0; i < heard[0].size(); ++i) {
      EXPECT_NEAR(heard[1][i].loss, heard[0][i].loss, 2e-6 * test::rounding() * heard[0][i].loss) << i;
      EXPECT_EQ(heard[1][i].accuracy, heard[0][i].accuracy) << i;
    }
  }
}

TEST(ClipOnDevice, EmbedsWhatItEmbedsOnTheCpu) {
  const ClipModel on_cpu = small_clip(), here = small_clip();
  here.to(tested_device());
  const torch::NoGradGuard no_grad;
  expect_same(here.encode_text(kCaptions), on_cpu.encode_text(kCaptions), 1e-6);
  expect_same(here.encode_image(batch_of(0).images), on_cpu.encode_image(batch_of(0).images), 1e-6);
  EXPECT_EQ(here.weights_hash(), on_cpu.weights_hash());
}

}  // namespace
}  // namespace noisescope
