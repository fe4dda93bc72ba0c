#include "noisescope/clip/clip_config.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_fields.h"

namespace noisescope::clip {
namespace {

using Json = nlohmann::json;

constexpr const char* kConvModelType = "noisescope_conv_image_tower";
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr int64_t kLegacyEndId = 2;
constexpr int64_t kDefaultProjection = 512;  // of transformers

Json encoder_json(const EncoderOptions& options) {
  return {{"hidden_size", options.width},
          {"intermediate_size", options.mlp_size()},
          {"num_hidden_layers", options.layers},
          {"num_attention_heads", options.heads},
          {"hidden_act", to_string(options.activation)},
          {"layer_norm_eps", options.norm_eps},
          {"attention_dropout", 0.0}};
}

JsonFields read_fields(const std::filesystem::path& path) {
  return JsonFields::parse(read_file(path, kMaxConfigBytes), path.string());
}

ClipActivation read_activation(const JsonFields& fields, const ClipHints& hints) {
  if (fields.find("hidden_act") == nullptr) {
    if (hints.activation) return *hints.activation;
    fields.refuse(
        "the key 'hidden_act', got none; add it, or say --activation quick_gelu "
        "(OpenAI's weights) or gelu (most others): the wrong one loads and is worse");
  }
  const std::string activation = fields.text("hidden_act");
  try {
    return parse_enum<ClipActivation>(activation);
  } catch (const ValueError& error) {
    fields.refuse(std::string("'hidden_act' that this program has: ") + error.what());
  }
}

EncoderOptions read_encoder(const JsonFields& fields, const ClipHints& hints) {
  EncoderOptions options;
  options.width = fields.integer("hidden_size", 1, 8192);
  options.layers = fields.integer("num_hidden_layers", 1, 128);
  options.heads = fields.integer("num_attention_heads", 1, 256);
  options.mlp_width = fields.integer("intermediate_size", 1, 65536);
  if (options.mlp_width == 4 * options.width) options.mlp_width = 0;
  options.activation = read_activation(fields, hints);
  options.norm_eps = fields.number_or("layer_norm_eps", options.norm_eps, 1e-12, 0.1);
  if (options.width % options.heads != 0) {
    fields.refuse(format_text("'hidden_size' that divides among 'num_attention_heads', got {} and {}", options.width,
                              options.heads));
  }
  return options;
}

int64_t read_end_id(const JsonFields& fields, int64_t vocabulary_size) {
  const Json& value = fields.at("eos_token_id");
  const Json& single = value.is_array() && value.size() == 1 ? value[0] : value;
  const int64_t id = fields.checked_integer("eos_token_id", single, 0, vocabulary_size - 1);
  return id == kLegacyEndId ? vocabulary_size - 1 : id;
}

void read_text(const JsonFields& fields, const ClipHints& hints, ClipConfig& config) {
  config.options.text = read_encoder(fields, hints);
  config.vocabulary_size = fields.integer("vocab_size", 3, int64_t{1} << 24);
  config.context_length = fields.integer("max_position_embeddings", 1, 4096);
  config.end_id = read_end_id(fields, config.vocabulary_size);
  config.old_end_id = fields.at("eos_token_id") == Json(kLegacyEndId);
  config.start_id = fields.integer_or("bos_token_id", config.end_id - 1, 0, config.vocabulary_size - 1);
}

void read_vit(const JsonFields& fields, const ClipHints& hints, ClipOptions& options) {
  options.image.kind = ImageTowerKind::vit;
  options.image.encoder = read_encoder(fields, hints);
  options.image.image_size = fields.side("image_size", 1, 4096);
  options.image.patch_size = fields.side("patch_size", 1, 4096);
  if (fields.integer_or("num_channels", 3, 1, 4096) != 3) fields.refuse("'num_channels' 3");
  if (options.image.image_size % options.image.patch_size != 0) {
    fields.refuse(format_text("'image_size' that 'patch_size' divides, got {} and {}", options.image.image_size,
                              options.image.patch_size));
  }
}

void read_conv(const JsonFields& fields, ClipOptions& options) {
  if (fields.text("model_type") != kConvModelType) {
    fields.refuse(std::string("model_type ") + kConvModelType);
  }
  options.image.kind = ImageTowerKind::conv;
  options.image.image_size = fields.integer("image_size", 1, 4096);
  options.image.hidden = fields.integer("hidden", 1, 65536);
  const Json& channels = fields.at("channels");
  if (!channels.is_array() || channels.empty() || channels.size() > 64) {
    fields.refuse("'channels' as a list of 1 to 64 integers");
  }
  options.image.channels.clear();
  for (const Json& item : channels) {
    options.image.channels.push_back(fields.checked_integer("channels", item, 1, 4096));
  }
}

void read_pixels(const JsonFields& fields, ClipOptions& options) {
  options.image_mean = fields.numbers_or("image_mean", options.image_mean);
  options.image_std = fields.numbers_or("image_std", options.image_std);
  for (const double std : options.image_std) {
    if (!(std > 0)) fields.refuse("'image_std' above 0");
  }
}

}  // namespace

ClipConfig parse_clip_config(std::string_view json, const std::string& path, const ClipHints& hints) {
  const JsonFields fields = JsonFields::parse(json, path);
  const std::string type = fields.text("model_type");
  ClipConfig config;
  config.source = path;
  config.options.embedding_dim = fields.integer_or("projection_dim", kDefaultProjection, 1, 8192);
  config.options.image.kind = ImageTowerKind::vit;
  if (type == "clip") {
    read_text(fields.section("text_config"), hints, config);
    read_vit(fields.section("vision_config"), hints, config.options);
  } else if (type == "clip_text_model") {
    config.has_image = false;
    read_text(fields, hints, config);
  } else if (type == "clip_vision_model") {
    config.has_text = false;
    read_vit(fields, hints, config.options);
  } else {
    fields.refuse("'model_type' clip, clip_text_model or clip_vision_model, got another");
  }
  return config;
}

void set_preprocess(ClipConfig& config, const PreprocessOptions& preprocess, const std::string& path) {
  const int64_t side = config.options.image.image_size;
  const auto size = preprocessed_size(preprocess);
  if (size != std::pair(side, side)) {
    throw FormatError(path, 0,
                      format_text("[clip.read_clip_config] expected pictures cut to the {} px of the image "
                                  "tower, got {} x {}",
                                  side, size.first, size.second));
  }
  config.preprocess = preprocess;
  config.options.image_mean.assign(preprocess.mean.begin(), preprocess.mean.end());
  config.options.image_std.assign(preprocess.deviation.begin(), preprocess.deviation.end());
}

PreprocessOptions own_preprocess(const ClipOptions& options) {
  PreprocessOptions preprocess = standard_preprocess(ClipProfile::hf, options.image.image_size);
  std::copy_n(options.image_mean.begin(), 3, preprocess.mean.begin());
  std::copy_n(options.image_std.begin(), 3, preprocess.deviation.begin());
  return preprocess;
}

ClipFolders find_clip_folders(const std::filesystem::path& folder) {
  const auto has = [](const std::filesystem::path& path) { return std::filesystem::exists(path); };
  const auto has_tokenizer = [&](const auto& path) { return has(path / "tokenizer.json") || has(path / "vocab.json"); };
  const auto encoder = folder / "text_encoder";
  if (!has(folder / "config.json") && has(encoder / "config.json")) {
    const std::string second = has(folder / "text_encoder_2") ? ", not text_encoder_2/" : "";
    return {encoder, has_tokenizer(encoder) ? encoder : folder / "tokenizer",
            "a pipeline: text_encoder/ is read" + second};
  }
  const auto around = std::filesystem::absolute(folder / "").parent_path().parent_path() / "tokenizer";
  if (has(folder / "config.json") && !has_tokenizer(folder) && has_tokenizer(around)) {
    return {folder, around, "the tokenizer is that of the pipeline around it"};
  }
  return {folder, folder, ""};
}

bool is_conv_folder(const std::filesystem::path& folder) {
  return !std::filesystem::exists(folder / "config.json") && std::filesystem::exists(folder / "text" / "config.json") &&
         std::filesystem::exists(folder / "image");
}

ClipConfig read_conv_config(const std::filesystem::path& folder) {
  const JsonFields text = read_fields(folder / "text" / "config.json");
  const JsonFields image = read_fields(folder / "image" / "config.json");
  ClipConfig config;
  config.source = text.path();
  config.options.embedding_dim = text.integer("projection_dim", 1, 8192);
  read_text(text, {}, config);
  read_pixels(image, config.options);
  read_conv(image, config.options);
  config.preprocess = own_preprocess(config.options);
  return config;
}

ClipConfig read_clip_config(const std::filesystem::path& folder, const WeightShapes& shapes, const ClipHints& hints) {
  const auto read = [](const std::filesystem::path& path) { return read_file(path, kMaxConfigBytes); };
  const auto open_clip = folder / "open_clip_config.json", own = folder / "config.json";
  // A repository may hold both, for two weight files; the names of the tensors say which counts.
  const bool hugging_face = shapes.contains("text_projection.weight") || shapes.contains("visual_projection.weight");
  if (!hugging_face && std::filesystem::exists(open_clip)) {
    return parse_open_clip_config(read(open_clip), open_clip.string());
  }
  if (!hugging_face && !std::filesystem::exists(own)) {
    return infer_openai_config(shapes, folder.string(), hints);
  }
  ClipConfig config = parse_clip_config(read(own), own.string(), hints);
  if (!config.is_whole() && !hugging_face) {  // CLIPTextModel and CLIPVisionModel of transformers
    config.projects = false;
    config.options.embedding_dim = config.has_text ? config.options.text.width : config.options.image.encoder.width;
    config.notes.push_back("no projection: the pooled state stands for the embedding");
  }
  if (config.has_image) {
    const auto whole = folder / "processor_config.json";
    const bool newer = !std::filesystem::exists(folder / "preprocessor_config.json") && std::filesystem::exists(whole);
    const auto pixels = newer ? whole : folder / "preprocessor_config.json";
    const int64_t side = config.options.image.image_size;
    set_preprocess(config, parse_preprocess(read(pixels), pixels.string(), side), pixels.string());
  }
  return config;
}

std::shared_ptr<const Tokenizer> find_tokenizer(const std::filesystem::path& folder, const ClipConfig& config) {
  const auto has = [&](const char* file) { return std::filesystem::exists(folder / file); };
  if (has("tokenizer.json") || has("vocab.json")) {
    Tokenizer tokenizer = load_tokenizer(folder, config.text_profile);
    if (config.context_length == 0 || tokenizer.context_length() <= config.context_length) {
      return std::make_shared<const Tokenizer>(std::move(tokenizer));
    }
    TokenizerModel model = tokenizer.model();
    model.context_length = config.context_length;
    return std::make_shared<const Tokenizer>(std::move(model), folder.string());
  }
  const auto merges = folder / "bpe_simple_vocab_16e6.txt.gz";
  if (!std::filesystem::exists(merges)) return nullptr;
  return std::make_shared<const Tokenizer>(load_merges(merges, config.text_profile.value_or(ClipProfile::openai)));
}

void check_tokenizer_fits(const ClipConfig& config, const Tokenizer& tokenizer) {
  const auto same = [&](const char* key, int64_t stated, int64_t value) {
    if (stated == value) return;
    throw ModelError(
        format_text("[clip.ClipModel.load] expected {} {} as the tokenizer says, got {} in {}; "
                    "tokenizer and weights belong to different models",
                    key, value, stated, config.source));
  };
  same("vocab_size", config.vocabulary_size, tokenizer.vocabulary_size());
  same("max_position_embeddings", std::max(config.context_length, tokenizer.context_length()), config.context_length);
  same("eos_token_id", config.end_id, tokenizer.end_id());
}

nlohmann::json text_config_json(const ClipConfig& config) {
  Json json = encoder_json(config.options.text);
  json["architectures"] = Json::array({"CLIPTextModelWithProjection"});
  json["model_type"] = "clip_text_model";
  json["vocab_size"] = config.vocabulary_size;
  json["max_position_embeddings"] = config.context_length;
  json["projection_dim"] = config.options.embedding_dim;
  json["bos_token_id"] = config.start_id;
  json["eos_token_id"] = config.end_id;
  json["pad_token_id"] = config.end_id;
  json["dtype"] = "float32";
  return json;
}

nlohmann::json image_config_json(const ClipConfig& config) {
  const ClipOptions& options = config.options;
  if (options.image.kind == ImageTowerKind::conv) {
    return {{"model_type", kConvModelType},
            {"image_size", options.image.image_size},
            {"channels", options.image.channels},
            {"hidden", options.image.hidden},
            {"projection_dim", options.embedding_dim},
            {"image_mean", options.image_mean},
            {"image_std", options.image_std}};
  }
  Json json = encoder_json(options.image.encoder);
  json["model_type"] = "clip_vision_model";
  json["image_size"] = options.image.image_size;
  json["patch_size"] = options.image.patch_size;
  json["num_channels"] = 3;
  json["projection_dim"] = options.embedding_dim;
  return json;
}

nlohmann::json clip_config_json(const ClipConfig& config) {
  if (!config.has_image) return text_config_json(config);
  if (!config.has_text) {
    Json json = image_config_json(config);
    json["architectures"] = Json::array({"CLIPVisionModelWithProjection"});
    return json;
  }
  Json text = text_config_json(config);
  text.erase("architectures");
  return {{"architectures", Json::array({"CLIPModel"})},
          {"model_type", "clip"},
          {"projection_dim", config.options.embedding_dim},
          {"dtype", "float32"},
          {"text_config", text},
          {"vision_config", image_config_json(config)}};
}

nlohmann::json preprocessor_json(const PreprocessOptions& options) {
  const auto size = [](int64_t width, int64_t height) { return Json{{"height", height}, {"width", width}}; };
  Json json = {{"image_processor_type", "CLIPImageProcessor"},
               {"do_resize", options.resize != ClipResize::none},
               {"size", size(options.resize_width_px, options.resize_height_px)},
               {"resample", 3},  // PIL's number of BICUBIC
               {"do_center_crop", options.crops},
               {"crop_size", size(options.crop_width_px, options.crop_height_px)},
               {"do_rescale", true},
               {"rescale_factor", options.scale},
               {"do_normalize", true},
               {"image_mean", options.mean},
               {"image_std", options.deviation},
               {"do_convert_rgb", true}};
  if (options.resize == ClipResize::shortest) {
    json["size"] = {{"shortest_edge", options.resize_width_px}};
  }
  return json;
}

std::string preprocess_key(const PreprocessOptions& options) {
  return preprocessor_json(options).dump() + to_string(options.profile) + (options.turns_upright ? " upright" : "");
}

void write_json(const std::filesystem::path& path, const nlohmann::json& json) {
  write_file_atomic(path, json.dump(2) + "\n");
}

}  // namespace noisescope::clip
