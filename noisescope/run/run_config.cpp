#include "noisescope/run/run_config.h"

#include <nlohmann/json.hpp>

#include "noisescope/clip/image_tower.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/nn/cost.h"

namespace noisescope::run {

void describe(Describer& d, ConditionOptions& o) {
  d("image_share", o.image_share,
    "share of the training samples conditioned on their picture's embedding instead of a caption's",
    {.min = 0, .max = 1});
  d("form", o.form, "what the network sees of an embedding: whitened, or raw, as the projection gives it (xNoise's)");
  d.section("whitening", o.whitening, "whitened: embeddings at unit variance before the network sees them");
}

void describe(Describer& d, EvaluationOptions& o) {
  d("samples", o.samples, "pictures scored at the default guidance", {.min = 2});
  d("sweep_samples", o.sweep_samples, "pictures at each scale of the sweep, prompts of their own", {.min = 2});
  d("scales", o.scales, "guidance scales of the sweep; 1 = no guidance", {.min = 0, .max = 100});
  d("readable_noise", o.readable_noise,
    "world: pictures as far from every scene as one with pixel noise of this deviation are still read, "
    "others count as wrong; 10 reads every picture as the scene nearest to it",
    {.min = 0.01, .max = 10});
  d.section("judge", o.judge, "image data: the encoder that judges, apart from the conditioning one");
  d.section("judge_train", o.judge_train,
            "its training; where steps, images and seconds are all 0, for as long as clip_train says");
}

void describe(Describer& d, CalibrationOptions& o) {
  d("pictures", o.pictures, "held-out pictures asked for a word each at the end of training; 0: not calibrated",
    {.min = 0});
}

void describe(Describer& d, RunConfig& o) {
  d("seed", o.seed, "seed of every random number of the run", {.min = 0});
  d.section("data", o.data, "what is learned");
  d("clip_folder", o.clip_folder,
    "folder of a ready CLIP (transformers, open_clip, OpenAI) that conditions the model in place of "
    "one trained here; clip and clip_train then do not count");
  d("start_from", o.start_from,
    "folder of a run whose weights, encoder and whitening this one starts from ('noisescope train --from' sets it)");
  d.section("clip", o.clip, "the text and image encoder that conditions the model");
  d.section("clip_train", o.clip_train, "its contrastive training");
  d("clip_batch_size", o.clip_batch_size, "pairs of one contrastive batch", {.min = 2, .max = 65536});
  d.section("condition", o.condition, "how embeddings become conditions");
  d.section("network", o.network, "the network: the U-Net, or xNoise's");
  d.section("precondition", o.precondition, "what the network predicts");
  d.section("noise_levels", o.noise_levels, "at which noise levels it is trained");
  d.section("loss", o.loss, "how noise levels are weighted");
  d.section("train", o.train, "budget, optimiser, checkpoints");
  d.section("sample", o.sample, "how pictures are drawn by default", "draw");
  d.section("evaluation", o.evaluation, "how the model is scored");
  d.section("calibration", o.calibration, "how its evidence is calibrated");
}

namespace {

/// In place of a size or of resolutions that no file and no option states: they follow the data.
constexpr int64_t kFollows = 0;

/// The demo's budget of CLIP training counts images; one that is stated in seconds or steps replaces it.
void forget_clip_budget(RunConfig& config) { config.clip_train.images = 0; }
void default_clip_budget(RunConfig& config) {
  if (!has_budget(config.clip_train)) config.clip_train.images = demo_config().clip_train.images;
}

/// The two coarsest feature maps of a network for pictures of this size, the finest left out where there are others.
std::vector<int64_t> coarsest_resolutions(const UNetOptions& network) {
  std::vector<int64_t> resolutions;
  const size_t levels = network.channels.size();
  for (size_t level = levels > 1 ? std::max<size_t>(1, levels - 2) : 0; level < levels; ++level) {
    resolutions.push_back(network.image_size / network.patch >> level);
  }
  return resolutions;
}

int64_t image_size_of(const DataOptions& data) {
  return data.kind == DataKind::world ? kWorldImagePx : data.load.image_size_px;
}

/// The size of pictures is the data's: network and encoder take it where they do not state their own.
void forget_sizes(RunConfig& config) {
  config.network.image_size = config.clip.image.image_size = kFollows;
  config.network.attention_resolutions = {kFollows};
}
void follow_the_data(RunConfig& config) {
  for (int64_t* size : {&config.network.image_size, &config.clip.image.image_size}) {
    if (*size == kFollows) *size = image_size_of(config.data);
  }
  if (config.network.attention_resolutions == std::vector<int64_t>{kFollows}) {
    config.network.attention_resolutions = coarsest_resolutions(config.network);
  }
}

/// With the levels that training fitted, where it did.
RunConfig with_fitted_levels(RunConfig config, const std::filesystem::path& fitted) {
  if (config.noise_levels.distribution != NoiseDistribution::information || !std::filesystem::exists(fitted)) {
    return config;
  }
  try {
    const auto json = nlohmann::json::parse(read_file(fitted));
    json.at("mean_ln_sigma").get_to(config.noise_levels.mean);
    json.at("std_ln_sigma").get_to(config.noise_levels.std);
  } catch (const nlohmann::json::exception& error) {
    throw FormatError("[run.load_run_config_of] expected mean_ln_sigma and std_ln_sigma in " + fitted.string() +
                      ", got " + error.what());
  }
  return config;
}

/// Refuses sizes that are not the data's, all in one message.
void check_image_sizes(const RunConfig& config) {
  const int64_t image = image_size_of(config.data);
  std::vector<std::string> found, wanted;
  const auto check = [&](const std::string& key, int64_t value) {
    if (value == image) return;
    found.push_back(key + " = " + std::to_string(value));
    wanted.push_back("--set " + key + "=" + std::to_string(image));
  };
  check("network.image_size", config.network.image_size);
  if (config.clip_folder.empty()) check("clip.image.image_size", config.clip.image.image_size);
  if (found.empty()) return;
  throw ConfigError(
      format_text("[run.check_run_config] expected the size of the data's images, {}, got {}; leave them out, or "
                  "add {}",
                  image, join(found, " and "), join(wanted, " ")));
}

/// What building and training the CLIP would refuse.
void check_clip(const RunConfig& config) {
  check_encoder("clip.text", config.clip.text);
  check_image_tower(config.clip.image);
  if (has_budget(config.clip_train)) return;
  throw ConfigError(
      "[run.check_run_config] expected a budget of the CLIP's training, got none; set "
      "clip_train.seconds, clip_train.images or clip_train.steps above 0");
}

}  // namespace

RunConfig read_run_config(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  RunConfig config = demo_config();
  forget_sizes(config);
  forget_clip_budget(config);
  if (!path.empty()) read_options_into(read_yaml(path), config);
  read_options_into(parse_overrides(overrides), config);  // apart from the file: either may use older names
  follow_the_data(config);
  default_clip_budget(config);
  return config;
}

RunConfig load_run_config(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  RunConfig config = read_run_config(path, overrides);
  check_run_config(config);
  return config;
}

RunConfig load_run_config_of(const RunFolder& folder, const std::vector<std::string>& overrides) {
  return with_fitted_levels(stored_run_config(folder, overrides), folder.noise_levels());
}

RunConfig stored_run_config(const RunFolder& folder, const std::vector<std::string>& overrides) {
  if (!std::filesystem::exists(folder.config())) {
    const std::string name = folder.root.string();
    throw DataError(
        format_text("[run.load_run_config_of] expected a run folder, got {}, {}; 'noisescope train --out "
                    "FOLDER' makes one",
                    name, std::filesystem::exists(folder.root) ? "which has no config.yaml" : "which does not exist"));
  }
  return load_run_config(folder.config(), overrides);
}

RunConfig demo_config() {
  RunConfig config;
  config.precondition.parametrization = Parametrization::x0;
  config.loss.weighting = Weighting::uniform;
  config.noise_levels.mean = 0.6;
  config.noise_levels.std = 1.2;
  config.sample.grid.steps = 20;
  config.sample.grid.sigma_min = 0.1;
  config.sample.grid.sigma_max = 40;
  config.sample.sampler.solver = Solver::dpmpp_2m_sde;
  config.sample.guidance.scale = 2;
  config.sample.guidance.sigma_min = 0.7;
  config.clip_train.images = 64000;
  config.train.budget = "28000images";
  config.train.batch_size = 16;
  config.train.schedule.learning_rate = 2.5e-3;
  config.train.optimizer.kind = OptimizerKind::muon;
  config.train.null_probability = 0.2;
  config.train.validation_samples = 64;
  return config;
}

void check_run_config(const RunConfig& config) {
  parse_budget(config.train.budget);
  check_image_sizes(config);
  network_cost(config.network);  // its plan, checked
  if (config.clip_folder.empty()) check_clip(config);
  check_compatible(config.precondition.schedule, config.precondition.parametrization);
}

bool has_budget(const ClipTrainOptions& options) {
  return options.steps > 0 || options.images > 0 || options.seconds > 0;
}

double cleanest_trained_log_snr(const RunConfig& config) {
  const Tensor rarely = torch::full({1}, 0.05, torch::kFloat64);
  return log_snr_of(noise_levels(config.noise_levels, config.precondition.schedule, rarely).item<double>());
}

}  // namespace noisescope::run
