// From a run's files to pictures: the text encoder, the whitening of its embeddings, the network and
// its preconditioning, bound together.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/clip/clip_model.h"
#include "noisescope/data/whitening.h"
#include "noisescope/diffusion/precondition.h"
#include "noisescope/model/sampling_options.h"
#include "noisescope/nn/network_fwd.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::model {

/// What a weights file says of itself (metadata key "config" holds these sections).
struct ModelOptions {
  UNetOptions network;
  PreconditionOptions precondition;
  ConditionForm form = ConditionForm::whitened;
  bool modality_flag = false;  // whitened conditions of both modalities carry a last column: -1 text, +1 image
};

/// The embeddings that conditions of a form are made of.
EmbeddingLength embedding_length(ConditionForm form);

/// Do conditions of this form carry the flag, with this share of image embeddings in training?
bool needs_modality_flag(ConditionForm form, double image_share);

/// The sections of a resolved configuration that make a model; other sections are ignored.
/// Throws ConfigError for what cannot be read.
ModelOptions model_options_from_config(const std::string& config_json);

/// Where the parts of a model lie.
struct ModelFiles {
  std::filesystem::path weights;    // network weights, with the configuration in their metadata
  std::filesystem::path condition;  // whitening of the embeddings (save_whitening)
  std::filesystem::path clip;       // CLIP folder
};

/// Whitening of both modalities; `image` only where the model is conditioned on images too.
struct ConditionWhitening {
  Whitener text;
  std::shared_ptr<const Whitener> image;
};
void save_whitening(const std::filesystem::path& path, const ConditionWhitening& whitening);
ConditionWhitening load_whitening(const std::filesystem::path& path);

/// A ready model. Copies share their weights. Use from one thread at a time.
class TextToImage {
 public:
  TextToImage(std::shared_ptr<ClipModel> clip, ConditionWhitening whitening, NetworkPtr network,
              const ModelOptions& options, torch::Device device = torch::kCPU);

  /// Throws IoError, FormatError, ModelError (parts that do not fit each other).
  static TextToImage load(const ModelFiles& files, torch::Device device = torch::kCPU);
  /// The same with weights in memory; files.weights is their name in messages.
  static TextToImage load(const TensorFile& weights, const ModelFiles& files, torch::Device device);

  /// Condition rows of prompts: [B, D]; a blank prompt is the null condition. Throws ValueError for unknown words:
  /// which, and what the model knows.
  Tensor condition(const std::vector<std::string>& prompts) const;
  /// Condition rows of pictures [B, 3, H, W] in [-1, 1] of any size; ValueError if trained on text
  /// alone.
  Tensor condition_of_images(const Tensor& images) const;
  /// The network's "no prompt", repeated: [count, D].
  Tensor null_condition(int64_t count) const;

  /// D(x, sigma, condition), without gradients.
  Denoiser denoiser() const;

  int64_t image_size() const { return options_.network.image_size; }
  const ModelOptions& options() const { return options_; }
  const ClipModel& clip() const { return *clip_; }
  const ConditionWhitening& whitening() const { return whitening_; }
  torch::Device device() const { return device_; }
  NetworkPtr network() const { return network_; }
  /// The same with another network of these options.
  TextToImage with_network(NetworkPtr network) const;
  /// The same, whose denoiser evaluates by `forward`: the network's own results, found some other way.
  TextToImage with_forward(Network forward) const;

 private:
  std::shared_ptr<ClipModel> clip_;
  ConditionWhitening whitening_;
  NetworkPtr network_;
  Network forward_;  // empty: the network itself
  ModelOptions options_;
  torch::Device device_;
};

/// Pictures to be sampled.
struct PictureRequest {
  std::vector<std::string> prompts;  // one per picture; with `images` only their names
  std::string negative_prompt = {};  // "": the null condition
  uint64_t seed = 0;
  int64_t first_sample = 0;  // picture k uses noise (seed, first_sample + k)
  Tensor images = {};        // [N, 3, H, W] in [-1, 1]: prompts that are pictures
};

/// Pictures [N, 3, S, S] float32 on the CPU, in the order of the prompts, at the levels that the grid of
/// `options` takes from the model's schedule. The observer sees every step of every batch.
Tensor sample_pictures(const TextToImage& model, const PictureRequest& request, const SamplingOptions& options,
                       const SamplerObserver& observer = {}, const Control& control = {});

}  // namespace noisescope::model
