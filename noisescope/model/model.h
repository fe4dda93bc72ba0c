// A model: whatever can be explained. An exact world, a trained run, a Python function, a model of another
// library: each has one maker and is the same noun to every method, report and check.
//
// The denoiser works on x [B, C, H, W] at noise level sigma (diffusion/denoiser.h); what is not
// variance-exploding (DDPM, flow matching x_t = (1 - t) x_0 + t eps with sigma = t / (1 - t)) is mapped by its
// maker. A condition is one row per sample; a bundle (tokens, mask, pooled vector) is laid out in that row by
// the maker, whose denoiser takes it apart.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "noisescope/data/data_options.h"
#include "noisescope/data/image_dataset.h"
#include "noisescope/diffusion/trajectory.h"
#include "noisescope/model/calibration.h"
#include "noisescope/model/prompt_contrast.h"
#include "noisescope/model/sampling_options.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/model/word_reader.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/picture_denoiser.h"

namespace noisescope::model {

struct Model {
  std::string name;  // "exact demo", "runs/demo"
  Denoiser denoiser;
  /// Condition rows [B, D] of prompts; "" is "no prompt". Throws ValueError for prompts it cannot take.
  std::function<Tensor(const std::vector<std::string>& prompts)> condition;
  std::vector<int64_t> image_shape = {3, 32, 32};  // C, H, W
  double log_snr_max = 5;                          // the cleanest noise level that it may be asked about
  bool is_posterior_mean = true;  // D(x, sigma, c) estimates E[x_0 | x, c]: evidence and nats stand on it
  SamplingOptions sample = {};    // how it draws unless asked otherwise
  ScheduleOptions schedule = {};  // its timesteps, a second axis beside log-SNR
  torch::Device device = torch::kCPU;
  /// A reader of pictures over texts: the model's own CLIP, or the exact one of a world; may be empty.
  std::function<WordReader(const std::vector<std::string>& texts)> reader = {};
  std::optional<WorldDenoiser> world = {};       // of pictures of a two-object world: the truth about them
  std::optional<PictureDenoiser> pictures = {};  // of exactly these pictures: the truth about them
  /// The words of a prompt whose alternatives are known, where no world knows them; may be empty.
  std::function<std::vector<PromptContrast>(const std::string& prompt)> contrasts = {};
  std::shared_ptr<const TextToImage> network = {};  // null: no network of ours
  std::optional<Calibration> calibration = {};      // of its evidence, where that has been measured

  /// Whether its denoiser is the truth itself.
  bool is_exact() const { return (world || pictures) && !network; }
  int64_t side() const { return image_shape.back(); }
  Tensor null_condition(int64_t count) const { return condition({""}).expand({count, -1}); }
};

/// The world itself: name "exact " + member, sampled without guidance.
Model exact_model(const WorldDenoiser& truth);

/// A set of captioned pictures itself: name "exact " + that of the pictures, sampled without guidance. Contrasts are
/// those of emoji_words() of which there are pictures.
Model exact_model(const PictureDenoiser& truth);

/// The samples `indices` of a data set as an exact denoiser takes them, by class where the data have classes.
GivenPictures given_pictures(const ImageDataset& data, const std::vector<int64_t>& indices);

/// The exact model of all pictures that the options name; fills `report`. Throws ConfigError for the two-object world,
/// and as open_dataset does.
Model exact_model(const DataOptions& data, const Control& control, LoadReport& report);

/// A network of ours. `log_snr_max`: beyond it the network was hardly trained. `world`: that its pictures are
/// of, if any. Computes in float32 whatever the dtype of x. Throws ModelError for a world of another size.
Model network_model(const TextToImage& network, const std::string& name, const SamplingOptions& sample,
                    double log_snr_max, const std::optional<World>& world = {});

/// The levels and guidance of `options` on this model.
Sampling sampling_of(const Model& model, const SamplingOptions& options);

/// B pictures of prompts; nothing is evaluated before it is asked for. Throws ValueError for unknown words.
Trajectory draw_trajectory(const Model& model, const PictureRequest& request, const SamplingOptions& options);

/// One contrast per word of `words`, or of all words whose alternatives the model's world or data know; with
/// `alternatives`, or where there are none with the known ones. Empty where nothing is asked and nothing known. Throws
/// as word_contrasts does.
std::vector<PromptContrast> contrasts_of(const Model& model, const std::string& prompt,
                                         const std::vector<std::string>& words,
                                         const std::vector<std::string>& alternatives);

/// Throws ShapeError unless `picture` is [C, H, W], the size that the model draws.
void check_picture(const Model& model, const Tensor& picture);

}  // namespace noisescope::model
