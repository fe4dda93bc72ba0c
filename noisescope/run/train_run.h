// The whole training of a run: data, CLIP, embeddings, diffusion.
#pragma once

#include "noisescope/model/model.h"
#include "noisescope/run/clip_stage.h"
#include "noisescope/train/trainer.h"

namespace noisescope::run {

struct TrainRunRequest {
  bool skip_clip_extraction = false;  // the embedding cache must be there and fit
  torch::Device device = torch::kCPU;
  Notice notice;
  /// The processes that train together, all called with the same configuration; process 0 alone reads and writes the
  /// folder, is watched, and calibrates.
  std::shared_ptr<Group> group = Group::alone();
  std::function<void(const TrainStep&)> on_step;  // of diffusion training; Interrupted ends it with a checkpoint
  /// Called with the averaged weights in place, at every validation.
  std::function<void(const TextToImage& model, const Validation& validation)> preview;
};

/// What a finished training leaves in training.json.
struct TrainingSummary {
  int64_t parameters = 0;
  int64_t images = 0;
  int64_t steps = 0;
  double seconds = 0;       // of diffusion training, over all resumed parts
  double clip_seconds = 0;  // of this call; 0 where it was there already
};

/// Trains the run of `config` in `folder`, going on from whatever is there; the same call again does
/// what is left. Writes config.yaml, env.json, starts.json, clip/, embeddings and condition.safetensors,
/// checkpoints/, metrics, model.safetensors, training.json and validation.json.
/// The folder is locked meanwhile: a second process gets IoError.
/// A first start that fails before training (configuration, data) leaves no config.yaml and so blocks no second one.
/// A larger train.budget (in the same unit) goes on from a finished run, too: the learning rate then follows its
/// schedule over the new budget, and scores of the shorter training are removed.
/// Throws ModelError if the folder holds a run of another configuration or of a larger budget, Interrupted on a stop
/// (everything is saved), and what the stages throw. With several processes ModelError on all of them if version,
/// settings, configuration or data of one differ, ProcessError if one ends.
TrainingSummary train_run(const RunConfig& config, const RunFolder& folder, const TrainRunRequest& request,
                          const Control& control);

/// The run as a model: its network, how it samples, the calibration of its evidence where the folder has one, and on a
/// world the truth of its pictures. Throws as load_calibration.
Model run_model(const TextToImage& network, const RunConfig& config, const RunFolder& folder);

/// The model of a run folder: model.safetensors, or the newest good checkpoint of an unfinished run.
/// Throws ModelError if there is neither.
TextToImage load_run_model(const RunFolder& folder, torch::Device device, const Notice& notice = {});

/// The averaged weights of one checkpoint of the run.
struct CheckpointModel {
  int64_t images = 0;  // seen
  TextToImage network;
};
/// Throws ModelError for a damaged checkpoint, naming what is wrong.
CheckpointModel load_checkpoint_model(const RunFolder& folder, const std::filesystem::path& checkpoint,
                                      torch::Device device);

}  // namespace noisescope::run
