#include "noisescope/clip/clip_model.h"

#include <cmath>

#include "noisescope/clip/image_tower.h"
#include "noisescope/clip/text_tower.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/io/weight_folder.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::clip {
namespace {

constexpr double kLargestScale = 100.0;
const double kInitialLogScale = std::log(1 / 0.07);

/// Embeddings of exact zero length stay zero instead of becoming NaN.
Tensor with_length(const Tensor& embedding, EmbeddingLength length = EmbeddingLength::unit) {
  if (length == EmbeddingLength::own) return embedding;
  return embedding / embedding.norm(2, -1, true).clamp_min(1e-12);
}

void check_pixels(const ClipOptions& options) {
  for (const auto* values : {&options.image_mean, &options.image_std}) {
    if (values->size() != 3) {
      throw ValueError(
          format_text("[clip.ClipModel] expected 3 numbers in image_mean and image_std, got {}", values->size()));
    }
  }
}

/// [3, 1, 1] on the device of `like`.
Tensor per_channel(const std::vector<double>& values, const Tensor& like) {
  return to_device(torch::tensor(values, torch::kFloat32).view({3, 1, 1}), like.device());
}

std::shared_ptr<TextTowerImpl> make_text_tower(const ClipConfig& config) {
  const TextTowerShape shape{.vocabulary_size = config.vocabulary_size,
                             .context_length = config.context_length,
                             .embedding_dim = config.options.embedding_dim,
                             .end_id = config.end_id};
  return std::make_shared<TextTowerImpl>(config.options.text, shape);
}

/// What `options` come to with this tokenizer.
ClipConfig config_with(ClipOptions options, const Tokenizer& tokenizer) {
  check_pixels(options);
  const PreprocessOptions preprocess = own_preprocess(options);
  options.tokenizer.kind = tokenizer.model().kind;
  options.tokenizer.context_length = tokenizer.context_length();
  return {.options = std::move(options),
          .preprocess = preprocess,
          .vocabulary_size = tokenizer.vocabulary_size(),
          .context_length = tokenizer.context_length(),
          .start_id = tokenizer.start_id(),
          .end_id = tokenizer.end_id(),
          .source = {},
          .notes = {}};
}

/// Names as they stand in files: towers without their prefix, so that a vit model is a CLIPModel.
NamedTensors file_state(const torch::nn::Module& module, const std::string& prefix) {
  NamedTensors out;
  for (const auto& [name, tensor] : module_state(module)) {
    if (name.rfind(prefix, 0) == 0) out[name.substr(prefix.size())] = tensor;
  }
  return out;
}

void write_weights(const std::filesystem::path& folder, NamedTensors tensors) {
  write_safetensors(folder / "model.safetensors", {std::move(tensors), {{"format", "pt"}}});
}

/// The weights of a conv folder under the names of module().
NamedTensors read_conv_weights(const std::filesystem::path& folder) {
  NamedTensors state;
  for (const auto& [name, tensor] : read_safetensors(folder / "text" / "model.safetensors").tensors) {
    if (!is_stored_constant(name)) state["text." + name] = tensor;
  }
  for (const auto& [name, tensor] : read_safetensors(folder / "image" / "model.safetensors").tensors) {
    state[name == "logit_scale" ? name : "image." + name] = tensor;
  }
  return state;
}

/// Throws ModelError unless the weights have about the sizes that `config` claims, so that a lying
/// configuration cannot ask for memory that its weight files do not have.
void check_conv_sizes(const ClipConfig& config, const NamedTensors& state, const std::string& name) {
  const auto need = [&](const std::string& key, const std::vector<int64_t>& sizes) {
    const auto found = state.find(key);
    if (found != state.end() && found->second.sizes() == torch::IntArrayRef(sizes)) return;
    throw ModelError(
        format_text("[clip.ClipModel.load] expected weights of the configured size, got {}{} in {}; "
                    "configuration and weights belong to different models",
                    key, found == state.end() ? " missing" : " " + describe_tensor(found->second), name));
  };
  ClipConfig text = config;
  text.has_image = false;
  for (const ClipWeight& weight : clip_weights(text, ClipLayout::hugging_face)) {
    need(weight.name, weight.shape);
  }
  int64_t in_channels = 12;
  const std::vector<int64_t>& channels = config.options.image.channels;
  for (size_t i = 0; i < channels.size(); ++i) {
    need(format_text("image.conv{}.weight", i), {channels[i], in_channels, 3, 3});
    in_channels = channels[i];
  }
  need("image.fc2.weight", {config.options.embedding_dim, config.options.image.hidden});
}

/// Of weights without a projection the pooled state is the embedding: the identity projects it.
void project_pooled_state(ClipConfig& config, NamedTensors& state) {
  if (config.projects) return;
  const char* name = config.has_text ? "text.text_projection.weight" : "image.visual_projection.weight";
  state[name] = torch::eye(config.options.embedding_dim);
  config.projects = true;
}

/// The image size that was asked for, and the position embedding that goes with it.
void resize_image(ClipConfig& config, NamedTensors& state, const ClipLoadOptions& options) {
  ImageTowerOptions& image = config.options.image;
  if (options.image_size == 0 || options.image_size == image.image_size || !config.has_image) return;
  if (options.image_size < image.patch_size || options.image_size % image.patch_size != 0) {
    throw ValueError(format_text("[clip.ClipModel.load] expected an image size that patches of {} px divide, got {}",
                                 image.patch_size, options.image_size));
  }
  const auto rescaled = [&](int64_t& px) { px = px * options.image_size / image.image_size; };
  for (int64_t PreprocessOptions::*size : {&PreprocessOptions::resize_width_px, &PreprocessOptions::resize_height_px,
                                           &PreprocessOptions::crop_width_px, &PreprocessOptions::crop_height_px}) {
    rescaled(config.preprocess.*size);
  }
  image.image_size = options.image_size;
  Tensor& positions = state.at("image.vision_model.embeddings.position_embedding.weight");
  positions = resize_position_embedding(positions, image.image_size / image.patch_size, options.position_resize);
}

}  // namespace

std::vector<UnknownWord> TokenTable::unknown() const {
  std::map<std::string, UnknownWord> words;
  for (const Encoding& encoding : encodings) {
    for (const UnknownWord& entry : encoding.unknown) words.emplace(entry.word, entry);
  }
  std::vector<UnknownWord> out;
  for (const auto& [word, entry] : words) out.push_back(entry);
  return out;
}

TokenTable tokenize(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  TokenTable table;
  size_t longest = 2;
  for (const std::string& text : texts) {
    table.encodings.push_back(tokenizer.encode(text));
    longest = std::max(longest, table.encodings.back().ids.size());
    if (table.encodings.back().truncated()) table.truncated.push_back(text);
  }
  const auto rows = static_cast<int64_t>(texts.size());
  table.ids = torch::full({rows, static_cast<int64_t>(longest)}, tokenizer.end_id(), torch::kInt64);
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<int64_t>& ids = table.encodings[static_cast<size_t>(row)].ids;
    std::copy(ids.begin(), ids.end(), table.ids.data_ptr<int64_t>() + row * table.ids.size(1));
  }
  return table;
}

ClipModel::ClipModel(ClipConfig config, std::shared_ptr<const Tokenizer> tokenizer)
    : config_(std::move(config)), tokenizer_(std::move(tokenizer)) {
  const GlobalGeneratorGuard guard;
  module_ = std::make_shared<torch::nn::Module>("clip");
  if (config_.has_text) {
    text_ = make_text_tower(config_);
    module_->register_module("text", text_);
  }
  if (config_.has_image) {
    image_ = make_image_tower(config_.options.image, config_.options.embedding_dim);
    module_->register_module("image", image_);
  }
}

ClipModel::ClipModel(const ClipOptions& options, const Tokenizer& tokenizer, uint64_t seed)
    : ClipModel(config_with(options, tokenizer), std::make_shared<const Tokenizer>(tokenizer)) {
  initialize_parameters(*module_, Random(seed));
  add_logit_scale();
}

void ClipModel::add_logit_scale() {
  logit_scale_ = module_->register_parameter("logit_scale", torch::full({}, kInitialLogScale, torch::kFloat32));
}

torch::Device ClipModel::device() const { return module_->parameters().front().device(); }

void ClipModel::to(torch::Device device) const { module_->to(device); }

const Tokenizer& ClipModel::tokenizer() const {
  need(has_text(), "a text tower");
  need(has_tokenizer(), "a tokenizer");
  return *tokenizer_;
}

void ClipModel::need(bool half, const char* what) const {
  if (half) return;
  throw ModelError(format_text("[clip.ClipModel] expected a model with {}, got one without: {}", what, config_.source));
}

TextFeatures ClipModel::text_features(const Tensor& ids) const {
  need(has_text(), "a text tower");
  return text_->forward(ids);
}

Tensor ClipModel::text_hidden(const Tensor& ids, const TextHiddenOptions& options) const {
  need(has_text(), "a text tower");
  return text_->hidden(ids, options);
}

Tensor ClipModel::encode_tokens(const Tensor& ids, EmbeddingLength length) const {
  need(has_text(), "a text tower");
  return with_length(text_->embed(ids), length);
}

Tensor ClipModel::encode_text(const std::vector<std::string>& texts, EmbeddingLength length) const {
  return encode_tokens(tokenize(tokenizer(), texts).ids, length);
}

Tensor ClipModel::encode_image(const Tensor& images, EmbeddingLength length) const {
  need(has_image(), "an image tower");
  check_shape("clip.ClipModel.encode_image", "images", images, {-1, 3, image_size(), image_size()});
  Tensor values = to_device(images.to(torch::kFloat32), device());
  const std::vector<double> half = {0.5, 0.5, 0.5};
  if (options().image_mean != half || options().image_std != half) {
    values =
        (values * 0.5 + 0.5 - per_channel(options().image_mean, values)) / per_channel(options().image_std, values);
  }
  return with_length(image_->forward(values), length);
}

Tensor ClipModel::encode_pixel_values(const Tensor& values) const {
  need(has_image(), "an image tower");
  check_shape("clip.ClipModel.encode_pixel_values", "values", values, {-1, 3, image_size(), image_size()});
  return with_length(image_->forward(to_device(values.to(torch::kFloat32), device())));
}

Tensor ClipModel::logit_scale() const {
  need(config_.is_whole(), "both towers");
  return logit_scale_.exp().clamp_max(kLargestScale);
}

std::string ClipModel::weights_hash() const {
  std::string digest = clip_config_json(config_).dump();
  if (has_tokenizer()) {
    for (const std::string& token : tokenizer_->model().tokens) digest += '\0' + token;
    for (const auto& [left, right] : tokenizer_->model().merges) digest += '\0' + left + ' ' + right;
    for (const std::string& token : tokenizer_->model().added) digest += '\0' + token;
  }
  for (const auto& [name, tensor] : module_state(*module_)) {
    const Tensor values = tensor.detach().cpu().contiguous();
    const std::string_view bytes(static_cast<const char*>(values.data_ptr()), values.nbytes());
    digest += '\0' + name + checksum(bytes);
  }
  return checksum(digest);
}

void ClipModel::save(const std::filesystem::path& folder) const {
  const bool is_vit = options().image.kind == ImageTowerKind::vit;
  const auto text_folder = is_vit ? folder : folder / "text";
  make_folder(text_folder);
  if (has_tokenizer()) save_tokenizer(text_folder, *tokenizer_);
  NamedTensors text = file_state(*module_, "text.");
  NamedTensors image = file_state(*module_, "image.");
  if (config_.is_whole()) image["logit_scale"] = logit_scale_;
  if (is_vit) {
    text.merge(image);
    write_weights(folder, text);
    if (has_image()) write_json(folder / "preprocessor_config.json", preprocessor_json(config_.preprocess));
    write_json(folder / "config.json", clip_config_json(config_));
    for (const char* other : {"text", "image"}) std::filesystem::remove_all(folder / other);
    return;
  }
  write_weights(text_folder, text);
  write_json(text_folder / "config.json", text_config_json(config_));
  write_weights(folder / "image", image);
  write_json(folder / "image" / "config.json", image_config_json(config_));
  for (const char* other : {"config.json", "model.safetensors", "preprocessor_config.json"}) {
    std::filesystem::remove(folder / other);
  }
}

ClipModel ClipModel::load(const std::filesystem::path& path, const ClipLoadOptions& options) {
  const bool is_conv = is_conv_folder(path);
  const ClipFolders folders = is_conv ? ClipFolders{path, path / "text", ""} : find_clip_folders(path);
  ClipConfig config;
  NamedTensors state;
  if (is_conv) {
    config = read_conv_config(path);
    state = read_conv_weights(path);
    check_conv_sizes(config, state, path.string());
    check_finite(state, path.string());
  } else {
    const TensorFile file = read_clip_weights(folders.model);
    const WeightShapes shapes = weight_shapes(file.tensors);
    const ClipLayout layout = layout_of(shapes, folders.model.string());
    config = read_clip_config(folders.model, shapes, options.hints);
    state = module_weights(plain_weights(file.tensors), clip_weights(config, layout), folders.model.string());
    project_pooled_state(config, state);
    resize_image(config, state, options);
  }
  std::shared_ptr<const Tokenizer> tokenizer;
  if (config.has_text) tokenizer = find_tokenizer(folders.tokenizer, config);
  if (tokenizer) {
    if (config.old_end_id) config.end_id = tokenizer->end_id();
    check_tokenizer_fits(config, *tokenizer);
    config.options.tokenizer.kind = tokenizer->model().kind;
    config.options.tokenizer.context_length = tokenizer->context_length();
  }
  ClipModel model(std::move(config), std::move(tokenizer));
  if (model.config().is_whole()) model.add_logit_scale();
  load_module_state(*model.module_, state, path.string());
  return model;
}

}  // namespace noisescope::clip
