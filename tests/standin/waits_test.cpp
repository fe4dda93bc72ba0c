// How often training and sampling wait for the device: never in a step of training, once at the end of a sampling run,
// once more in a step whose estimates are recorded or whose guidance depends on its noise level.
#include "noisescope/clip/contrastive.h"
#include "noisescope/diffusion/guidance.h"
#include "noisescope/diffusion/precondition.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "tests/standin/counts.h"
#include "tests/standin/device/small_network.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

using standin::Counts;
using standin::counts;
using test::tested_device;

/// The counts at each call of a batch source, which is asked once a pass.
class CountedBatches {
 public:
  BatchSource source() {
    return [this](int64_t first, int64_t count) {
      seen_.push_back(counts());
      return test::small_batch(first, count);
    };
  }

  /// What the passes added, but the first, which includes what is made once.
  Counts of_pass(size_t pass) const {
    const Counts &a = seen_.at(pass), &b = seen_.at(pass + 1);
    return {b.launches - a.launches, b.to_device - a.to_device, b.to_host - a.to_host, b.waits - a.waits};
  }

 private:
  std::vector<Counts> seen_;
};

TEST(WaitsOfTraining, AreNone) {
  for (const OptimizerKind kind : {OptimizerKind::muon, OptimizerKind::adamw}) {
    TrainSetup setup;
    setup.folder = std::filesystem::path(::testing::TempDir()) / "noisescope_standin_waits";
    std::filesystem::remove_all(setup.folder);
    setup.train.budget = "5steps";
    setup.train.batch_size = 4;
    setup.train.precision = Precision::float32;
    setup.train.prefetch = false;
    setup.train.optimizer.kind = kind;
    setup.train.null_probability = 0.2;
    setup.train.validate_every = 0;
    setup.train.validation_samples = 4;
    setup.precondition.noise_label = NoiseLabel::timestep;
    setup.samples_per_epoch = 32;
    setup.identity.config_json = "{}";
    CountedBatches batches;
    const auto network = test::small_network(tested_device());
    train_model(test::trainable(network, tested_device()), {batches.source(), test::small_batch}, setup);
    for (size_t pass = 1; pass < 4; ++pass) {
      const Counts step = batches.of_pass(pass);
      EXPECT_EQ(step.waits, 0) << to_string(kind);
      EXPECT_EQ(step.to_host, 0) << to_string(kind);
      EXPECT_GT(step.launches, 100) << to_string(kind);
    }
  }
}

struct Drawing {
  SamplerOptions sampler;
  GuidanceOptions guidance = {.scale = 2, .clamp = 1};
  bool recorded = false;
};

/// Waits of a whole run of so many steps.
int64_t waits_of(const Drawing& drawing, int64_t steps) {
  const auto network = test::small_network(tested_device());
  network->eval();
  const Network forward = [network](const Tensor& x, const Tensor& label, const Tensor& condition) {
    return network->forward(x, label, condition);
  };
  const Tensor condition = test::small_conditions(0, 2).to(tested_device());
  const Predictor predict = guide(precondition(forward, {}), condition, torch::zeros_like(condition), drawing.guidance);
  const NoiseSource noise{Random(1), {0, 1}};
  const Tensor x = noise.initial({3, 16, 16}).to(tested_device()) * 20;
  const std::vector<double> sigmas = sampling_sigmas({.steps = steps, .sigma_min = 0.1, .sigma_max = 20});
  TrajectoryRecorder recorder{RecorderOptions{}};
  const SamplerObserver observer = drawing.recorded ? recorder.observer() : SamplerObserver{};
  return standin::counts_of([&] { run_sampler(predict, x, {sigmas, drawing.sampler, noise}, observer); }).waits;
}

TEST(WaitsOfSampling, AreOneARun) {
  for (const auto& [solver, name] : enum_names(Solver{})) {
    EXPECT_EQ(waits_of({.sampler = {.solver = solver}}, 4), 1) << name;
    EXPECT_EQ(waits_of({.sampler = {.solver = solver}}, 8), 1) << name;
  }
  EXPECT_EQ(waits_of({.sampler = {.solver = Solver::heun, .churn = 10}}, 8), 1);
}

TEST(WaitsOfSampling, AreOneAStepWhereItIsRecorded) {
  const Drawing recorded{.sampler = {.solver = Solver::dpmpp_2m_sde}, .recorded = true};
  EXPECT_EQ(waits_of(recorded, 8) - waits_of(recorded, 4), 4);
}

TEST(WaitsOfSampling, AreOneAStepWhereGuidanceHasAnInterval) {
  const Drawing drawing{.sampler = {}, .guidance = {.scale = 2, .sigma_min = 0.5, .sigma_max = 5}};
  EXPECT_EQ(waits_of(drawing, 8) - waits_of(drawing, 4), 4);
}

TEST(WaitsOfTheEncoder, AreOneAStep) {
  const std::vector<std::string> captions = {"a red disc", "a blue square", "a green cross", "two discs"};
  ClipOptions options;
  options.image.image_size = 16;
  const ClipModel model(options, Tokenizer::train(captions, {}), 3);
  model.to(tested_device());
  std::vector<Counts> seen;
  const ClipBatchSource batches = [&](int64_t step) {
    seen.push_back(counts());
    return ClipBatch{test::small_pictures(4 * step, 4), {0, 1, 2, 3}, {}};
  };
  ClipTrainOptions training;
  training.steps = 5;
  train_clip(model, {captions, batches, 4}, training);
  for (size_t step = 1; step + 1 < seen.size(); ++step) EXPECT_EQ(seen[step + 1].waits - seen[step].waits, 1);
}

}  // namespace
}  // namespace noisescope
