#include "noisescope/model/text_to_image.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_images.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/captions.h"
#include "noisescope/io/config.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::model {
namespace {

const ConfigNode& section(const ConfigNode& root, const std::string& name) {
  const ConfigNode* found = root.find(name);
  if (!found) {
    throw ConfigError("[model.model_options_from_config] expected a section '" + name +
                      "' in the configuration stored with the weights, got none; the file was not "
                      "written by noisescope train");
  }
  return *found;
}

/// Rows first .. first + count - 1 of a list.
std::vector<std::string> slice(const std::vector<std::string>& list, int64_t first, int64_t count) {
  return {list.begin() + first, list.begin() + first + count};
}

/// Condition rows first .. first + count - 1 of a drawing job.
Tensor conditions_of(const TextToImage& model, const PictureRequest& request, int64_t first, int64_t count) {
  if (!request.images.defined()) return model.condition(slice(request.prompts, first, count));
  return model.condition_of_images(request.images.narrow(0, first, count));
}

/// Reports whole batches as one task: steps done of all steps of all batches.
SamplerObserver with_progress(const SamplerObserver& observer, const Control& control, int64_t batch, int64_t batches,
                              int64_t pictures) {
  return [=](const SamplerStep& step) {
    if (observer) observer(step);
    const double steps_done = static_cast<double>(batch * step.count + step.index + 1);
    const double share = steps_done / static_cast<double>(batches * step.count);
    control.report({"sample", share * static_cast<double>(pictures), static_cast<double>(pictures), "pictures", ""});
  };
}

}  // namespace

ModelOptions model_options_from_config(const std::string& config_json) {
  nlohmann::ordered_json json;
  try {
    json = nlohmann::ordered_json::parse(config_json);
  } catch (const nlohmann::json::exception& error) {
    throw ConfigError(std::string("[model.model_options_from_config] expected a JSON object, "
                                  "got: ") +
                      error.what());
  }
  const ConfigNode root = config_from_json(json, "configuration of the weights");
  ModelOptions options;
  read_options_into(section(root, "network"), options.network);
  read_options_into(section(root, "precondition"), options.precondition);
  const auto& condition = json.at("condition");
  if (condition.value("form", "whitened") == "raw") options.form = ConditionForm::raw;
  options.modality_flag = needs_modality_flag(options.form, condition.value("image_share", 0.0));
  return options;
}

void save_whitening(const std::filesystem::path& path, const ConditionWhitening& whitening) {
  TensorFile file;
  whitening.text.save(file, "text");
  if (whitening.image) whitening.image->save(file, "image");
  write_safetensors(path, file);
}

ConditionWhitening load_whitening(const std::filesystem::path& path) {
  const TensorFile file = read_safetensors(path);
  ConditionWhitening whitening{Whitener::load(file, "text"), nullptr};
  if (file.tensors.count("image.mean")) {
    whitening.image = std::make_shared<Whitener>(Whitener::load(file, "image"));
  }
  return whitening;
}

TextToImage::TextToImage(std::shared_ptr<ClipModel> clip, ConditionWhitening whitening, NetworkPtr network,
                         const ModelOptions& options, torch::Device device)
    : clip_(std::move(clip)),
      whitening_(std::move(whitening)),
      network_(std::move(network)),
      options_(options),
      device_(device) {
  const int64_t width = whitening_.text.width() + (options_.modality_flag ? 1 : 0);
  if (width != options_.network.condition_width) {
    throw ModelError(
        format_text("[model.TextToImage] expected conditions of width {}, which the network was trained on, got {} "
                    "from the text encoder; the CLIP folder belongs to another run",
                    options_.network.condition_width, width));
  }
  if (options_.modality_flag && !whitening_.image) {
    throw ModelError("[model.TextToImage] expected the whitening of image embeddings, got none");
  }
  network_->to(device_);
  network_->eval();
}

TextToImage TextToImage::load(const ModelFiles& files, torch::Device device) {
  return load(read_safetensors(files.weights), files, device);
}

TextToImage TextToImage::load(const TensorFile& file, const ModelFiles& files, torch::Device device) {
  const auto config = file.metadata.find("config");
  if (config == file.metadata.end()) {
    throw ModelError("[model.TextToImage.load] expected a configuration in the metadata of " + files.weights.string() +
                     ", got none; it was not written by noisescope train");
  }
  const ModelOptions options = model_options_from_config(config->second);
  const NetworkPtr network = make_network(options.network);
  load_module_state(*network, file.tensors, files.weights.string());
  return TextToImage(std::make_shared<ClipModel>(ClipModel::load(files.clip)), load_whitening(files.condition), network,
                     options, device);
}

EmbeddingLength embedding_length(ConditionForm form) {
  return form == ConditionForm::raw ? EmbeddingLength::own : EmbeddingLength::unit;
}

bool needs_modality_flag(ConditionForm form, double image_share) {
  return form == ConditionForm::whitened && image_share > 0;
}

Tensor TextToImage::condition(const std::vector<std::string>& prompts) const {
  const torch::NoGradGuard no_grad;
  const TokenTable tokens = tokenize(clip_->tokenizer(), prompts);
  if (const std::vector<UnknownWord> unknown = tokens.unknown(); !unknown.empty()) {
    throw ValueError(
        "[model.TextToImage.condition] expected words that the model was trained "
        "on, got " +
        describe_unknown(clip_->tokenizer(), unknown));
  }
  const Tensor rows = whitening_.text.apply(clip_->encode_tokens(tokens.ids, embedding_length(options_.form)));
  const Tensor conditions = (options_.modality_flag ? append_modality(rows, Modality::text) : rows).to(device_);
  for (size_t k = 0; k < prompts.size(); ++k) {
    if (tidy_caption(prompts[k]).empty()) conditions[static_cast<int64_t>(k)].copy_(null_condition(1)[0]);
  }
  return conditions;
}

Tensor TextToImage::condition_of_images(const Tensor& images) const {
  if (!whitening_.image) {
    throw ValueError(
        "[model.TextToImage.condition_of_images] expected a model trained on image "
        "embeddings too, got one trained on text alone; train with "
        "condition.image_share above 0");
  }
  const torch::NoGradGuard no_grad;
  const Tensor pictures = to_clip_size(images, clip_->config().preprocess);
  const Tensor rows = whitening_.image->apply(clip_->encode_image(pictures, embedding_length(options_.form)));
  return (options_.modality_flag ? append_modality(rows, Modality::image) : rows).to(device_);
}

Tensor TextToImage::null_condition(int64_t count) const {
  return network_->null_condition().detach().expand({count, -1});
}

TextToImage TextToImage::with_network(NetworkPtr network) const {
  return {clip_, whitening_, std::move(network), options_, device_};
}

TextToImage TextToImage::with_forward(Network forward) const {
  TextToImage model = *this;
  model.forward_ = std::move(forward);
  return model;
}

Denoiser TextToImage::denoiser() const {
  const auto own = [network = network_](const Tensor& x, const Tensor& label, const Tensor& condition) {
    return network->forward(x, label, condition);
  };
  const Denoiser with_gradients = precondition(forward_ ? forward_ : own, options_.precondition);
  return [with_gradients](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const torch::NoGradGuard no_grad;
    return with_gradients(x, sigma, condition);
  };
}

Tensor sample_pictures(const TextToImage& model, const PictureRequest& request, const SamplingOptions& options,
                       const SamplerObserver& observer, const Control& control) {
  const int64_t batch_size = options.batch_size;
  const std::vector<double> sigmas = sampling_sigmas(options.grid, model.options().precondition.schedule);
  const auto count = static_cast<int64_t>(request.prompts.size());
  if (count == 0 || batch_size < 1) {
    throw ValueError(format_text(
        "[model.sample_pictures] expected at least one prompt and a batch of at least 1, got {} prompts", count));
  }
  if (request.images.defined()) {
    check_shape("model.sample_pictures", "images", request.images, {count, 3, -1, -1});
  }
  const torch::NoGradGuard no_grad;
  const int64_t size = model.image_size(), batches = (count + batch_size - 1) / batch_size;
  std::vector<Tensor> pictures;
  for (int64_t batch = 0; batch < batches; ++batch) {
    const int64_t first = batch * batch_size, rows = std::min(batch_size, count - first);
    const Tensor condition = conditions_of(model, request, first, rows);
    const Tensor null = request.negative_prompt.empty()
                            ? model.null_condition(rows)
                            : model.condition({request.negative_prompt}).expand_as(condition);
    const NoiseSource noise{Random(request.seed), sample_range(request.first_sample + first, rows)};
    const Tensor x = noise.initial({3, size, size}).to(model.device()) * sigmas.front();
    const Tensor drawn =
        run_sampler(guide(model.denoiser(), condition, null, options.guidance), x, {sigmas, options.sampler, noise},
                    with_progress(observer, control, batch, batches, count), Control{{}, control.stop});
    pictures.push_back(drawn.to(torch::kCPU));
  }
  return torch::cat(pictures);
}

}  // namespace noisescope::model
