#include "noisescope/clip/clip_config.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

using Json = nlohmann::json;

constexpr const char* kConvModelType = "noisescope_conv_image_tower";
constexpr double kNormEps = 1e-5;
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr int kMaxDepth = 64;  // copies and messages take one stack frame a level

Json encoder_json(const EncoderOptions& options) {
  return {{"hidden_size", options.width},
          {"intermediate_size", options.mlp_size()},
          {"num_hidden_layers", options.layers},
          {"num_attention_heads", options.heads},
          {"hidden_act", to_string(options.activation)},
          {"layer_norm_eps", kNormEps},
          {"attention_dropout", 0.0}};
}

/// Typed, range-checked access to one JSON object of a file.
struct Fields {
  std::string path;
  Json object;

  [[noreturn]] void refuse(const std::string& what) const {
    throw FormatError(path, 0, "[clip.read_clip_config] expected " + what);
  }

  const Json* find(const char* key) const {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  const Json& at(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) refuse(std::string("the key '") + key + "', got none");
    return *value;
  }

  int64_t integer(const char* key, int64_t min, int64_t max) const { return number(key, at(key), min, max); }

  int64_t number(const char* key, const Json& value, int64_t min, int64_t max) const {
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{1} << 62);
    const int64_t result = fits ? value.get<int64_t>() : 0;
    if (!fits || result < min || result > max) {
      refuse(std::string("'") + key + "' as an integer of " + std::to_string(min) + " to " +
             std::to_string(max) + ", got " + value.dump().substr(0, 80));
    }
    return result;
  }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) refuse(std::string("'") + key + "' as text");
    return value.get<std::string>();
  }

  std::vector<double> numbers(const char* key, const std::vector<double>& otherwise) const {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    const auto is_number = [](const Json& item) { return item.is_number(); };
    if (!value->is_array() || value->size() != otherwise.size() ||
        !std::all_of(value->begin(), value->end(), is_number)) {
      refuse(std::string("'") + key + "' as a list of " + std::to_string(otherwise.size()) +
             " numbers");
    }
    std::vector<double> out;
    for (const Json& item : *value) out.push_back(item.get<double>());
    return out;
  }

  Fields section(const char* key) const {
    const Json& value = at(key);
    if (!value.is_object()) refuse(std::string("'") + key + "' as an object");
    return {path, value};
  }
};

Fields read_fields(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMaxConfigBytes);
  const auto check_depth = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth <= kMaxDepth) return true;
    throw FormatError(path.string(), 0, "[clip.read_clip_config] expected at most " +
                                            std::to_string(kMaxDepth) + " levels, got more");
  };
  try {
    Json json = Json::parse(text, check_depth);
    if (!json.is_object()) throw FormatError(path.string(), 0, "expected a JSON object");
    return {path.string(), std::move(json)};
  } catch (const Json::parse_error& error) {
    throw FormatError(path.string(), error.byte, std::string("expected JSON; ") + error.what());
  } catch (const Json::out_of_range& error) {  // a number beyond all doubles
    throw FormatError(path.string(), 0, std::string("expected JSON; ") + error.what());
  }
}

EncoderOptions read_encoder(const Fields& fields) {
  EncoderOptions options;
  options.width = fields.integer("hidden_size", 1, 8192);
  options.layers = fields.integer("num_hidden_layers", 1, 128);
  options.heads = fields.integer("num_attention_heads", 1, 256);
  options.mlp_width = fields.integer("intermediate_size", 1, 65536);
  if (options.mlp_width == 4 * options.width) options.mlp_width = 0;
  const std::string activation = fields.text("hidden_act");
  try {
    options.activation = parse_enum<ClipActivation>(activation);
  } catch (const ValueError& error) {
    fields.refuse(std::string("'hidden_act' that this program has: ") + error.what());
  }
  if (const Json* eps = fields.find("layer_norm_eps"); eps && eps->is_number() &&
      std::abs(eps->get<double>() - kNormEps) > 1e-9) {
    fields.refuse("'layer_norm_eps' 1e-5, got " + eps->dump());
  }
  return options;
}

void read_text(const Fields& fields, const Tokenizer& tokenizer, ClipOptions& options) {
  options.text = read_encoder(fields);
  const auto same = [&](const char* key, int64_t value, const char* what) {
    const int64_t stated = fields.integer(key, 0, int64_t{1} << 30);
    if (stated == value) return;
    throw ModelError("[clip.ClipModel.load] expected " + std::string(key) + " " +
                     std::to_string(value) + " as " + what + " says, got " + std::to_string(stated) +
                     " in " + fields.path + "; tokenizer and weights belong to different models");
  };
  same("vocab_size", tokenizer.vocabulary_size(), "the tokenizer");
  same("max_position_embeddings", tokenizer.context_length(), "the tokenizer");
  same("eos_token_id", tokenizer.end_id(), "the tokenizer");
}

void read_vit(const Fields& fields, ClipOptions& options) {
  options.image.kind = ImageTowerKind::vit;
  options.image.encoder = read_encoder(fields);
  options.image.image_size = fields.integer("image_size", 1, 4096);
  options.image.patch_size = fields.integer("patch_size", 1, 4096);
}

void read_conv(const Fields& fields, ClipOptions& options) {
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
    options.image.channels.push_back(fields.number("channels", item, 1, 4096));
  }
}

}  // namespace

nlohmann::json text_config_json(const ClipOptions& options, const Tokenizer& tokenizer) {
  Json config = encoder_json(options.text);
  config["architectures"] = Json::array({"CLIPTextModelWithProjection"});
  config["model_type"] = "clip_text_model";
  config["vocab_size"] = tokenizer.vocabulary_size();
  config["max_position_embeddings"] = tokenizer.context_length();
  config["projection_dim"] = options.embedding_dim;
  config["bos_token_id"] = tokenizer.start_id();
  config["eos_token_id"] = tokenizer.end_id();
  config["pad_token_id"] = tokenizer.end_id();
  config["dtype"] = "float32";
  return config;
}

nlohmann::json image_config_json(const ClipOptions& options) {
  if (options.image.kind == ImageTowerKind::conv) {
    return {{"model_type", kConvModelType},
            {"image_size", options.image.image_size},
            {"channels", options.image.channels},
            {"hidden", options.image.hidden},
            {"projection_dim", options.embedding_dim},
            {"image_mean", options.image_mean},
            {"image_std", options.image_std}};
  }
  Json config = encoder_json(options.image.encoder);
  config["model_type"] = "clip_vision_model";
  config["image_size"] = options.image.image_size;
  config["patch_size"] = options.image.patch_size;
  config["num_channels"] = 3;
  config["projection_dim"] = options.embedding_dim;
  return config;
}

nlohmann::json clip_config_json(const ClipOptions& options, const Tokenizer& tokenizer) {
  Json text = text_config_json(options, tokenizer);
  text.erase("architectures");
  return {{"architectures", Json::array({"CLIPModel"})},
          {"model_type", "clip"},
          {"projection_dim", options.embedding_dim},
          {"dtype", "float32"},
          {"text_config", text},
          {"vision_config", image_config_json(options)}};
}

nlohmann::json preprocessor_json(const ClipOptions& options) {
  const int64_t size = options.image.image_size;
  return {{"image_processor_type", "CLIPImageProcessor"},
          {"do_resize", true},
          {"size", {{"shortest_edge", size}}},
          {"resample", 3},  // PIL's number of BICUBIC
          {"do_center_crop", true},
          {"crop_size", {{"height", size}, {"width", size}}},
          {"do_rescale", true},
          {"rescale_factor", 1.0 / 255},
          {"do_normalize", true},
          {"image_mean", options.image_mean},
          {"image_std", options.image_std},
          {"do_convert_rgb", true}};
}

ClipOptions read_clip_config(const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  ClipOptions options;
  options.tokenizer.kind = tokenizer.model().kind;
  options.tokenizer.context_length = tokenizer.context_length();
  const bool is_vit = std::filesystem::exists(folder / "config.json");
  const Fields pixels = read_fields(is_vit ? folder / "preprocessor_config.json"
                                           : folder / "image" / "config.json");
  options.image_mean = pixels.numbers("image_mean", options.image_mean);
  options.image_std = pixels.numbers("image_std", options.image_std);
  if (is_vit) {
    const Fields config = read_fields(folder / "config.json");
    options.embedding_dim = config.integer("projection_dim", 1, 8192);
    read_text(config.section("text_config"), tokenizer, options);
    read_vit(config.section("vision_config"), options);
  } else {
    const Fields config = read_fields(folder / "text" / "config.json");
    options.embedding_dim = config.integer("projection_dim", 1, 8192);
    read_text(config, tokenizer, options);
    read_conv(pixels, options);
  }
  return options;
}

void check_sizes_before_building(const ClipOptions& options, const Tokenizer& tokenizer,
                                 const NamedTensors& state, const std::string& name) {
  const auto need = [&](const std::string& key, std::vector<int64_t> sizes) {
    const auto found = state.find(key);
    if (found != state.end() && found->second.sizes() == torch::IntArrayRef(sizes)) return;
    throw ModelError("[clip.ClipModel.load] expected weights of the configured size, got " + key +
                     (found == state.end() ? " missing" : " " + describe_tensor(found->second)) +
                     " in " + name + "; configuration and weights belong to different models");
  };
  const auto need_encoder = [&](const std::string& prefix, const EncoderOptions& encoder) {
    need(prefix + "layers." + std::to_string(encoder.layers - 1) + ".mlp.fc1.weight",
         {encoder.mlp_size(), encoder.width});
  };
  need("text.text_model.embeddings.token_embedding.weight",
       {tokenizer.vocabulary_size(), options.text.width});
  need("text.text_projection.weight", {options.embedding_dim, options.text.width});
  need_encoder("text.text_model.encoder.", options.text);
  if (options.image.kind == ImageTowerKind::vit) {
    need_encoder("image.vision_model.encoder.", options.image.encoder);
    return;
  }
  int64_t in_channels = 12;
  for (size_t i = 0; i < options.image.channels.size(); ++i) {
    need("image.conv" + std::to_string(i) + ".weight", {options.image.channels[i], in_channels, 3, 3});
    in_channels = options.image.channels[i];
  }
  need("image.fc2.weight", {options.embedding_dim, options.image.hidden});
}

void write_json(const std::filesystem::path& path, const nlohmann::json& json) {
  write_file_atomic(path, json.dump(2) + "\n");
}

}  // namespace noisescope
