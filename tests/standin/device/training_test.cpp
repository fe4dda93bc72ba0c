// Training on a device gives the CPU's losses, with both optimisers, attention, dropout and every kind of noise label.
#include <filesystem>

#include "noisescope/core/error.h"
#include "tests/standin/device/small_network.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using test::expect_same;
using test::tested_device;

TrainSetup setup_in(const std::string& name, const std::string& budget) {
  TrainSetup setup;
  setup.folder = fs::path(::testing::TempDir()) / ("noisescope_device_" + name);
  setup.train.budget = budget;
  setup.train.batch_size = 6;
  setup.train.precision = Precision::float32;  // what the other device computes in
  setup.train.accumulate = 2;
  setup.train.schedule = {.learning_rate = 1e-3, .warmup_steps = 2};
  setup.train.optimizer.kind = OptimizerKind::muon;
  setup.train.optimizer.weight_decay = 0.01;
  setup.train.null_probability = 0.2;
  setup.train.log_every = 2;
  setup.train.validate_every = 0.5;
  setup.train.validation_samples = 6;
  setup.train.checkpoint_seconds = 0;
  setup.precondition.noise_label = NoiseLabel::timestep;
  setup.seed = 5;
  setup.samples_per_epoch = 32;
  setup.identity.config_json = "{}";
  return setup;
}

struct Trained {
  std::vector<double> losses;
  NamedTensors weights;
  bool resumed = false;
};

Trained trained(torch::Device device, const TrainSetup& setup) {
  const auto network = test::small_network(device);
  Trained out;
  TrainObserver observer;
  observer.on_step = [&](const TrainStep& step) { out.losses.push_back(step.loss); };
  observer.on_validation = [&](const Validation& validation) { out.losses.push_back(validation.loss); };
  out.resumed =
      train_model(test::trainable(network, device), {test::small_batch, test::small_batch}, setup, observer).resumed;
  out.weights = module_state(*network);
  return out;
}

Trained trained_anew(torch::Device device, const TrainSetup& setup) {
  fs::remove_all(setup.folder);
  return trained(device, setup);
}

void expect_same_losses(const Trained& found, const Trained& on_cpu, double tolerance) {
  ASSERT_EQ(found.losses.size(), on_cpu.losses.size());
  for (size_t k = 0; k < found.losses.size(); ++k) {
    EXPECT_NEAR(found.losses[k], on_cpu.losses[k], tolerance * test::rounding() * on_cpu.losses[k]) << "loss " << k;
  }
}

TEST(TrainingOnDevice, GivesTheLossesOfTheCpu) {
  for (const OptimizerKind kind : {OptimizerKind::muon, OptimizerKind::adamw}) {
    TrainSetup setup = setup_in("losses", "6steps");
    setup.train.optimizer.kind = kind;
    const Trained on_cpu = trained_anew(torch::kCPU, setup);
    expect_same_losses(trained_anew(tested_device(), setup), on_cpu, 1e-6);
  }
}

/// Trains on `before` until the third step, goes on on `after`, and compares with the CPU's whole training.
void expect_to_go_on(torch::Device before, torch::Device after, const TrainSetup& setup) {
  const Trained whole = trained_anew(torch::kCPU, setup);
  fs::remove_all(setup.folder);
  TrainObserver observer;
  observer.on_step = [](const TrainStep& step) {
    if (step.step == 3) throw Interrupted("enough");
  };
  const TrainData data{test::small_batch, test::small_batch};
  EXPECT_THROW(train_model(test::trainable(test::small_network(before), before), data, setup, observer), Interrupted);
  const Trained rest = trained(after, setup);
  EXPECT_TRUE(rest.resumed);
  ASSERT_LT(rest.losses.size(), whole.losses.size());
  const size_t skipped = whole.losses.size() - rest.losses.size();
  for (size_t k = 0; k < rest.losses.size(); ++k) {
    const double expected = whole.losses[skipped + k];
    EXPECT_NEAR(rest.losses[k], expected, 1e-6 * test::rounding() * expected) << "loss " << k << " after the stop";
  }
}

TEST(TrainingOnDevice, GoesOnWhereItStopped) {
  expect_to_go_on(tested_device(), tested_device(), setup_in("resumed", "6steps"));
}

TEST(TrainingOnDevice, CheckpointsMoveBetweenDevices) {
  expect_to_go_on(torch::kCPU, tested_device(), setup_in("to_device", "6steps"));
  expect_to_go_on(tested_device(), torch::kCPU, setup_in("to_cpu", "6steps"));
}

}  // namespace
}  // namespace noisescope
