#include "noisescope/clip/clip_model.h"

#include <cmath>

#include "noisescope/clip/clip_config.h"
#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/module_state.h"

namespace noisescope {
namespace {

constexpr double kLargestScale = 100.0;
const double kInitialLogScale = std::log(1 / 0.07);

/// Embeddings of exact zero length stay zero instead of becoming NaN.
Tensor unit_norm(const Tensor& embedding) {
  return embedding / embedding.norm(2, -1, true).clamp_min(1e-12);
}

void check_pixels(const ClipOptions& options) {
  for (const auto* values : {&options.image_mean, &options.image_std}) {
    if (values->size() != 3) {
      throw ValueError("[clip.ClipModel] expected 3 numbers in image_mean and image_std, got " +
                       std::to_string(values->size()));
    }
  }
}

/// [3, 1, 1] on the device of `like`.
Tensor per_channel(const std::vector<double>& values, const Tensor& like) {
  return torch::tensor(values, torch::kFloat32).view({3, 1, 1}).to(like.device());
}

TextTower make_text_tower(const ClipOptions& options, const Tokenizer& tokenizer) {
  return TextTower(options.text, TextTowerShape{.vocabulary_size = tokenizer.vocabulary_size(),
                                                .context_length = tokenizer.context_length(),
                                                .embedding_dim = options.embedding_dim,
                                                .end_id = tokenizer.end_id()});
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

/// The two halves of a CLIPModel file under the names of module().
NamedTensors with_tower_prefixes(const NamedTensors& tensors) {
  NamedTensors out;
  for (const auto& [name, tensor] : tensors) {
    if (name.ends_with(".position_ids")) continue;  // older transformers stored this constant
    const bool is_text = name.rfind("text_", 0) == 0;
    out[name == "logit_scale" ? name : (is_text ? "text." : "image.") + name] = tensor;
  }
  return out;
}

}  // namespace

void describe(Describer& d, ClipOptions& options) {
  d("embedding_dim", options.embedding_dim, "width of the shared embedding space",
    {.min = 2, .max = 8192});
  d.section("tokenizer", options.tokenizer, "how captions become tokens");
  d.section("text", options.text, "the text transformer");
  d.section("image", options.image, "the image tower");
  d("image_mean", options.image_mean, "per channel, of images in [0, 1], before the image tower",
    {.min = 0, .max = 1});
  d("image_std", options.image_std, "per channel, of images in [0, 1], before the image tower",
    {.min = 1e-3, .max = 10});
}

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

ClipModel::ClipModel(const ClipOptions& options, Tokenizer tokenizer, uint64_t seed)
    : options_((check_pixels(options), options)), tokenizer_(std::move(tokenizer)), text_(nullptr) {
  const GlobalGeneratorGuard guard;
  options_.tokenizer.kind = tokenizer_.model().kind;
  options_.tokenizer.context_length = tokenizer_.context_length();
  text_ = make_text_tower(options_, tokenizer_);
  image_ = make_image_tower(options_.image, options_.embedding_dim);
  module_ = std::make_shared<torch::nn::Module>("clip");
  module_->register_module("text", text_);
  module_->register_module("image", image_);
  const Random random(seed);
  initialize_parameters(*module_, random);
  logit_scale_ =
      module_->register_parameter("logit_scale", torch::full({}, kInitialLogScale, torch::kFloat32));
}

torch::Device ClipModel::device() const { return logit_scale_.device(); }

TextFeatures ClipModel::text_features(const Tensor& ids) const {
  return text_.ptr()->forward(ids.to(device()));
}

Tensor ClipModel::encode_tokens(const Tensor& ids) const {
  return unit_norm(text_.ptr()->embed(ids.to(device())));
}

Tensor ClipModel::encode_text(const std::vector<std::string>& texts) const {
  return encode_tokens(tokenize(tokenizer_, texts).ids);
}

Tensor ClipModel::encode_image(const Tensor& images) const {
  check_shape("clip.ClipModel.encode_image", "images", images, {-1, 3, image_size(), image_size()});
  Tensor pixels = images.to(device(), torch::kFloat32);
  const std::vector<double> half = {0.5, 0.5, 0.5};
  if (options_.image_mean != half || options_.image_std != half) {
    pixels = (pixels * 0.5 + 0.5 - per_channel(options_.image_mean, pixels)) /
             per_channel(options_.image_std, pixels);
  }
  return unit_norm(image_->forward(pixels));
}

Tensor ClipModel::logit_scale() const { return logit_scale_.exp().clamp_max(kLargestScale); }

std::string ClipModel::weights_hash() const {
  std::string digest = clip_config_json(options_, tokenizer_).dump();
  for (const std::string& token : tokenizer_.model().tokens) digest += '\0' + token;
  for (const auto& [left, right] : tokenizer_.model().merges) digest += '\0' + left + ' ' + right;
  for (const auto& [name, tensor] : module_state(*module_)) {
    const Tensor values = tensor.detach().cpu().contiguous();
    const std::string_view bytes(static_cast<const char*>(values.data_ptr()), values.nbytes());
    digest += '\0' + name + checksum(bytes);
  }
  return checksum(digest);
}

void ClipModel::save(const std::filesystem::path& folder) const {
  const bool is_vit = options_.image.kind == ImageTowerKind::vit;
  const auto text_folder = is_vit ? folder : folder / "text";
  make_folder(text_folder);
  save_tokenizer(text_folder, tokenizer_);
  NamedTensors text = file_state(*module_, "text.");
  NamedTensors image = file_state(*module_, "image.");
  image["logit_scale"] = logit_scale_;
  if (is_vit) {
    text.merge(image);
    write_weights(folder, text);
    write_json(folder / "preprocessor_config.json", preprocessor_json(options_));
    write_json(folder / "config.json", clip_config_json(options_, tokenizer_));
    for (const char* other : {"text", "image"}) std::filesystem::remove_all(folder / other);
    return;
  }
  write_weights(text_folder, text);
  write_json(text_folder / "config.json", text_config_json(options_, tokenizer_));
  write_weights(folder / "image", image);
  write_json(folder / "image" / "config.json", image_config_json(options_));
  for (const char* other : {"config.json", "model.safetensors", "preprocessor_config.json"}) {
    std::filesystem::remove(folder / other);
  }
}

ClipModel ClipModel::load(const std::filesystem::path& folder) {
  const bool is_vit = std::filesystem::exists(folder / "config.json");
  const auto text_folder = is_vit ? folder : folder / "text";
  Tokenizer tokenizer = load_tokenizer(text_folder);
  const ClipOptions options = read_clip_config(folder, tokenizer);
  NamedTensors state =
      with_tower_prefixes(read_safetensors(text_folder / "model.safetensors").tensors);
  if (!is_vit) {
    const TensorFile image = read_safetensors(folder / "image" / "model.safetensors");
    for (const auto& [name, tensor] : image.tensors) {
      state[name == "logit_scale" ? name : "image." + name] = tensor;
    }
  }
  check_sizes_before_building(options, tokenizer, state, folder.string());
  ClipModel model(options, std::move(tokenizer), 0);
  load_module_state(*model.module_, state, folder.string());
  return model;
}

}  // namespace noisescope
