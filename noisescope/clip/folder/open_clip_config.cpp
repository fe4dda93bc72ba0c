// open_clip_config.json, and OpenAI's state dict without any configuration.
#include <algorithm>
#include <cmath>
#include <utility>

#include "noisescope/clip/clip_config.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/json_fields.h"

namespace noisescope::clip {
namespace {

using Json = nlohmann::json;

constexpr int64_t kHeadWidth = 64;

/// Keys of a section that are read, and those that must have one of these values: with others
/// open_clip builds another network.
struct KnownKeys {
  std::vector<std::string> read;
  std::map<std::string, std::vector<Json>> neutral;
};

const KnownKeys& model_keys() {
  static const KnownKeys keys = {
      {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"},
      {{"custom_text", {true, false}}, {"init_logit_bias", {}}, {"nonscalar_logit_scale", {false}}}};
  return keys;
}

const KnownKeys& vision_keys() {
  static const KnownKeys keys = {
      {"layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size", "norm_kwargs"},
      {{"patch_dropout", {0, 0.0}},
       {"ls_init_value", {}},
       {"attentional_pool", {false}},
       {"global_average_pool", {false}},
       {"input_patchnorm", {false}},
       {"no_ln_pre", {false}},
       {"pos_embed_type", {"learnable"}},
       {"final_ln_after_pool", {false}},
       {"pool_type", {"tok"}},
       {"output_tokens", {false}},
       {"act_kwargs", {Json::object()}}}};
  return keys;
}

const KnownKeys& text_keys() {
  static const KnownKeys keys = {
      {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio", "norm_kwargs"},
      {{"ls_init_value", {}},
       {"embed_cls", {false}},
       {"pad_id", {0}},
       {"no_causal_mask", {false}},
       {"final_ln_after_pool", {false}},
       {"pool_type", {"argmax"}},
       {"proj_bias", {false}},
       {"proj_type", {"linear"}},
       {"output_tokens", {false}},
       {"hf_tokenizer_name", {""}},
       {"act_kwargs", {Json::object()}}}};
  return keys;
}

void check_keys(const JsonFields& fields, const KnownKeys& known) {
  for (const auto& [key, value] : fields.object().items()) {
    if (value.is_null() || std::count(known.read.begin(), known.read.end(), key) > 0) continue;
    const auto found = known.neutral.find(key);
    if (found != known.neutral.end() && std::count(found->second.begin(), found->second.end(), value) > 0) {
      continue;
    }
    fields.refuse(format_text("a CLIP with plain transformers, got '{}': {}, which this program does not have",
                              key.substr(0, 80),
                              value.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 80)));
  }
}

void read_encoder(const JsonFields& fields, ClipActivation activation, int64_t width, int64_t layers,
                  EncoderOptions& options) {
  options.width = fields.integer_or("width", width, 1, 8192);
  options.layers = fields.integer_or("layers", layers, 1, 128);
  const double ratio = fields.number_or("mlp_ratio", 4, 0.01, 64);
  options.mlp_width = static_cast<int64_t>(static_cast<double>(options.width) * ratio);
  if (options.mlp_width < 1 || options.mlp_width > 65536) {
    fields.refuse("'mlp_ratio' that gives MLPs a width of 1 to 65536");
  }
  if (options.mlp_width == 4 * options.width) options.mlp_width = 0;
  options.activation = activation;
  if (fields.find("norm_kwargs") == nullptr) return;
  const JsonFields norm = fields.section("norm_kwargs");
  check_keys(norm, {{"eps"}, {}});
  options.norm_eps = norm.number_or("eps", options.norm_eps, 1e-12, 0.1);
}

void read_vision(const JsonFields& fields, ClipActivation activation, ImageTowerOptions& image) {
  check_keys(fields, vision_keys());
  image.kind = ImageTowerKind::vit;
  read_encoder(fields, activation, 768, 12, image.encoder);
  const int64_t head_width = fields.integer_or("head_width", kHeadWidth, 1, 8192);
  image.encoder.heads = image.encoder.width / head_width;
  image.image_size = fields.side("image_size", 1, 4096);
  image.patch_size = fields.side("patch_size", 1, 4096);
  if (image.encoder.width % head_width != 0 || image.encoder.heads > 256) {
    fields.refuse("'width' that 'head_width' divides into 1 to 256 heads");
  }
  if (image.image_size % image.patch_size != 0) {
    fields.refuse("'image_size' that 'patch_size' divides");
  }
}

void read_text(const JsonFields& fields, ClipActivation activation, ClipConfig& config) {
  check_keys(fields, text_keys());
  read_encoder(fields, activation, 512, 12, config.options.text);
  config.options.text.heads = fields.integer_or("heads", 8, 1, 256);
  if (config.options.text.width % config.options.text.heads != 0) {
    fields.refuse("'width' that divides among 'heads'");
  }
  config.vocabulary_size = fields.integer_or("vocab_size", 49408, 3, int64_t{1} << 24);
  config.context_length = fields.integer_or("context_length", 77, 1, 4096);
  config.end_id = config.vocabulary_size - 1;  // pooled at the largest id of a row
  config.start_id = config.end_id - 1;
}

/// Number of layers "<prefix><i>.ln_1.weight".
int64_t count_layers(const WeightShapes& shapes, const std::string& prefix) {
  int64_t layers = 0;
  while (shapes.contains(format_text("{}{}.ln_1.weight", prefix, layers))) ++layers;
  return layers;
}

/// Size `dimension` of a tensor that the state dict must have.
int64_t size_of(const WeightShapes& shapes, const std::string& name, size_t dimension, const std::string& path) {
  const auto found = shapes.find(name);
  if (found != shapes.end() && dimension < found->second.size() && found->second[dimension] >= 1 &&
      found->second[dimension] <= int64_t{1} << 24) {
    return found->second[dimension];
  }
  throw FormatError(path, 0,
                    "[clip.read_clip_config] expected a config.json, an "
                    "open_clip_config.json or the state dict of OpenAI's CLIP with a vision "
                    "transformer, got none: no usable tensor '" +
                        name + "'");
}

EncoderOptions infer_encoder(const WeightShapes& shapes, const std::string& prefix, int64_t width,
                             ClipActivation activation, int64_t heads, const std::string& path) {
  EncoderOptions options;
  options.width = width;
  options.layers = count_layers(shapes, prefix);
  options.mlp_width = size_of(shapes, prefix + "0.mlp.c_fc.weight", 0, path);
  if (options.mlp_width == 4 * width) options.mlp_width = 0;
  options.activation = activation;
  options.heads = heads > 0 ? heads : std::max<int64_t>(width / kHeadWidth, 1);
  check_encoder("clip.read_clip_config", options);
  return options;
}

}  // namespace

ClipConfig parse_open_clip_config(std::string_view json, const std::string& path) {
  const JsonFields fields = JsonFields::parse(json, path);
  const JsonFields model = fields.section("model_cfg");
  check_keys(model, model_keys());
  ClipConfig config;
  config.source = path;
  config.options.embedding_dim = model.integer("embed_dim", 1, 8192);
  bool quick = false;
  if (const Json* value = model.find("quick_gelu"); value != nullptr) {
    if (!value->is_boolean()) model.refuse("'quick_gelu' as true or false");
    quick = value->get<bool>();
  } else {
    config.notes.push_back("quick_gelu is not stated: gelu, open_clip's default");
  }
  const auto activation = quick ? ClipActivation::quick_gelu : ClipActivation::gelu;
  read_vision(model.section("vision_cfg"), activation, config.options.image);
  read_text(model.section("text_cfg"), activation, config);
  if (fields.find("preprocess_cfg") == nullptr) {
    config.notes.push_back("preprocess_cfg is not stated: OpenAI's mean and std");
  }
  config.text_profile = ClipProfile::open_clip;
  set_preprocess(config, parse_preprocess(json, path), path);
  return config;
}

ClipConfig infer_openai_config(const WeightShapes& shapes, const std::string& path, const ClipHints& hints) {
  const auto size = [&](const std::string& name, size_t dimension) { return size_of(shapes, name, dimension, path); };
  const int64_t patch = size("visual.conv1.weight", 2);
  const int64_t tokens = size("visual.positional_embedding", 0);
  const bool original = shapes.contains("input_resolution") && shapes.contains("context_length");
  if (!original && !(hints.activation && hints.text_heads > 0 && hints.image_heads > 0)) {
    throw ValueError("[clip.read_clip_config] expected a configuration beside the weights of " + path +
                     ", got none, and heads and activation cannot be read from weights; say "
                     "--activation, --text-heads and --image-heads (OpenAI's models: quick_gelu and "
                     "one head every 64 of the width)");
  }
  const auto activation = hints.activation.value_or(ClipActivation::quick_gelu);
  ClipConfig config;
  config.source = path;
  if (original) config.notes.push_back("no configuration: sizes and rules of OpenAI's build_model");
  ClipOptions& options = config.options;
  options.embedding_dim = size("text_projection", 1);
  options.image.kind = ImageTowerKind::vit;
  options.image.patch_size = patch;
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(tokens - 1))));
  options.image.image_size = grid * patch;
  options.image.encoder = infer_encoder(shapes, "visual.transformer.resblocks.", size("visual.conv1.weight", 0),
                                        activation, hints.image_heads, path);
  options.text =
      infer_encoder(shapes, "transformer.resblocks.", size("ln_final.weight", 0), activation, hints.text_heads, path);
  config.vocabulary_size = size("token_embedding.weight", 0);
  config.context_length = size("positional_embedding", 0);
  config.end_id = config.vocabulary_size - 1;
  config.start_id = config.end_id - 1;
  config.text_profile = ClipProfile::openai;
  set_preprocess(config, standard_preprocess(ClipProfile::openai, options.image.image_size), path);
  return config;
}

}  // namespace noisescope::clip
