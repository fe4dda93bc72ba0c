// The configuration of a run: every options struct of every part, in one tree of sections.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/clip/clip_model.h"
#include "noisescope/clip/contrastive.h"
#include "noisescope/data/data_options.h"
#include "noisescope/data/whitening.h"
#include "noisescope/diffusion/loss.h"
#include "noisescope/diffusion/precondition.h"
#include "noisescope/model/sampling_options.h"
#include "noisescope/nn/unet_plan.h"
#include "noisescope/run/run_folder.h"
#include "noisescope/train/options.h"

namespace noisescope::run {

/// How a prompt becomes the condition row of the network.
struct ConditionOptions {
  double image_share = 0.0;  // share of training samples conditioned on their image embedding
  ConditionForm form = ConditionForm::whitened;
  WhiteningOptions whitening;
};
void describe(Describer& d, ConditionOptions& options);

/// How a trained model is scored.
struct EvaluationOptions {
  int64_t samples = 512;        // at the default guidance
  int64_t sweep_samples = 128;  // at each scale of the sweep, on prompts of its own
  std::vector<double> scales = {1.0, 1.5, 2.0, 3.0, 5.0};
  double readable_noise = 0.15;  // of the world's parser (world/parser.h)
  ClipOptions judge;             // the encoder apart from the conditioning one (image data)
  ClipTrainOptions judge_train;  // without a budget: that of clip_train
};
void describe(Describer& d, EvaluationOptions& options);

/// How the model's evidence is calibrated at the end of training, and by 'noisescope calibrate'.
struct CalibrationOptions {
  int64_t pictures = 64;  // held-out ones; 0: not at all
};
void describe(Describer& d, CalibrationOptions& options);

struct RunConfig {
  int64_t seed = 0;
  DataOptions data;
  std::string clip_folder;  // "": the CLIP is trained here
  std::string start_from;   // a run folder; "": from the beginning
  ClipOptions clip;
  ClipTrainOptions clip_train;
  int64_t clip_batch_size = 128;
  ConditionOptions condition;
  UNetOptions network;
  PreconditionOptions precondition;
  NoiseLevelOptions noise_levels;
  LossOptions loss;
  TrainOptions train;
  SamplingOptions sample;
  EvaluationOptions evaluation;
  CalibrationOptions calibration;
};
void describe(Describer& d, RunConfig& config);

/// The demo's configuration, embedded in the program; config/shapes.yaml is the same (tested).
RunConfig demo_config();

/// Reads a YAML file over the demo's configuration (empty path: that alone) and applies `--set a.b=c` overrides in
/// order, without a look at whether the sections fit each other. Sizes of pictures in network and encoder, and the
/// network's attention_resolutions, follow the data where neither states them. Throws ConfigError naming file, line,
/// key and the nearest valid name.
RunConfig read_run_config(const std::filesystem::path& path, const std::vector<std::string>& overrides);

/// The same, checked by check_run_config.
RunConfig load_run_config(const std::filesystem::path& path, const std::vector<std::string>& overrides);

/// The resolved configuration of a run folder, with overrides, and with fitted noise levels where training fitted
/// any. Throws DataError for a folder that is no run.
RunConfig load_run_config_of(const RunFolder& folder, const std::vector<std::string>& overrides = {});

/// The same as it was given to training, before any fit.
RunConfig stored_run_config(const RunFolder& folder, const std::vector<std::string>& overrides = {});

/// Is the training of a CLIP limited by anything?
bool has_budget(const ClipTrainOptions& options);

/// The log-SNR beyond which training spent only 5 % of its draws: explanations do not ask the network
/// about cleaner pictures, where it errs without anything left to decide.
double cleanest_trained_log_snr(const RunConfig& config);

/// Throws ConfigError where sections contradict each other (sizes of images), naming every key to change, and for a
/// network or an encoder that cannot be built, or a CLIP without a budget.
void check_run_config(const RunConfig& config);

}  // namespace noisescope::run
