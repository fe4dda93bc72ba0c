// The diffusion training loop.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/diffusion/network.h"
#include "noisescope/processes/group.h"
#include "noisescope/train/batches.h"
#include "noisescope/train/checkpoint.h"
#include "noisescope/train/options.h"
#include "noisescope/train/validation.h"

namespace noisescope::train {

/// What is trained. `network` runs `module`; `null_condition` is one of its parameters, or
/// fixed, [D].
struct TrainableModel {
  std::shared_ptr<torch::nn::Module> module;
  Network network;
  Tensor null_condition;
  torch::Device device = torch::kCPU;
  /// Called before each forward pass of training with the number of its first image: where a network
  /// with dropout says which random numbers to use. May be empty.
  std::function<void(int64_t first_image)> before_pass = {};
};

/// Pictures for training, and for validation on fixed noise; both counted from 0.
struct TrainData {
  BatchSource training, validation;
};

/// Everything a training run is a function of, besides the data.
struct TrainSetup {
  std::filesystem::path folder;  // of metrics; checkpoints stand in `folder`/checkpoints
  TrainOptions train;
  PreconditionOptions precondition;
  NoiseLevelOptions noise_levels;
  /// With noise levels `information`: the lognormal levels for the rest of the run, measured once, after the
  /// early share of the budget, with averaged weights in the module. Its time counts as training.
  std::function<NoiseLevelOptions()> measure_levels = {};
  LossOptions loss;
  uint64_t seed = 0;
  int64_t samples_per_epoch = 0;  // for budgets in epochs
  RunIdentity identity;           // guards resume
  /// The processes that train together: an update's blocks are dealt to them. Process 0 alone reads and writes the
  /// folder and is watched; the others begin with what it has.
  std::shared_ptr<Group> group = Group::alone();
};

/// One update of the weights, after it.
struct TrainStep {
  int64_t step = 0;    // updates so far
  int64_t images = 0;  // seen so far
  double loss = 0;     // of this update's images
  double learning_rate = 0;
  double seconds = 0;  // of training so far
};

/// What a run can be watched by. Everything may be empty.
struct TrainObserver {
  std::function<void(const TrainStep&)> on_step;         // after every update; its time is not the budget's
  std::function<void(const Validation&)> on_validation;  // averaged weights are loaded meanwhile
  std::function<void(const std::filesystem::path& checkpoint)> on_checkpoint;
  Notice notice;
};

struct TrainResult {
  TrainState state;
  bool resumed = false;
};

/// Trains until the budget is spent and leaves the averaged weights in the module, in evaluation mode.
/// Called on a finished run it does just the latter, unless the budget has grown: then training goes on, at the
/// learning rate that the schedule has at this share of the new budget, which is said through the notice.
///
/// Image number n of the run has its noise level, noise and null decision from (seed, n), its pixels
/// and condition from `data.training`, so on a CPU with equal threads a run that was interrupted and called
/// again is bit-identical to an uninterrupted one for budgets in steps, images or epochs; a budget in
/// seconds goes on with the seconds that are left. The blocks of an update (TrainOptions::blocks) are summed in one
/// order, so that any number of processes trains the same bits from the same blocks.
///
/// Throws ValueError for noise levels `information` without measure_levels, Interrupted on a stop request or from an
/// observer (after a checkpoint), NumericError when loss, gradients or weights are no longer finite (the last good
/// checkpoint stays), ModelError for a folder of another run, IoError if the disk refuses or somebody else trains
/// there, ProcessError if another process of the group ends (after a checkpoint).
TrainResult train_model(const TrainableModel& model, const TrainData& data, const TrainSetup& setup,
                        const TrainObserver& observer = {}, const Control& control = {});

}  // namespace noisescope::train
