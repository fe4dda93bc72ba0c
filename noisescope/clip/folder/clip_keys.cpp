#include "noisescope/clip/folder/clip_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::clip {
namespace {

using Pair = std::pair<const char*, const char*>;

/// Parts of one transformer block: transformers' name, OpenAI's name.
constexpr std::array<Pair, 5> kBlockParts = {{{"layer_norm1.", "ln_1."},
                                              {"layer_norm2.", "ln_2."},
                                              {"self_attn.out_proj.", "attn.out_proj."},
                                              {"mlp.fc1.", "mlp.c_fc."},
                                              {"mlp.fc2.", "mlp.c_proj."}}};
constexpr std::array<const char*, 3> kQueryKeyValue = {"self_attn.q_proj.", "self_attn.k_proj.", "self_attn.v_proj."};
constexpr std::array<Pair, 5> kTextParts = {
    {{"text_model.embeddings.token_embedding.weight", "token_embedding.weight"},
     {"text_model.embeddings.position_embedding.weight", "positional_embedding"},
     {"text_model.final_layer_norm.weight", "ln_final.weight"},
     {"text_model.final_layer_norm.bias", "ln_final.bias"},
     {"text_projection.weight", "text_projection"}}};
constexpr std::array<Pair, 8> kImageParts = {
    {{"vision_model.embeddings.class_embedding", "visual.class_embedding"},
     {"vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"},
     {"vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"},
     {"vision_model.pre_layrnorm.weight", "visual.ln_pre.weight"},
     {"vision_model.pre_layrnorm.bias", "visual.ln_pre.bias"},
     {"vision_model.post_layernorm.weight", "visual.ln_post.weight"},
     {"vision_model.post_layernorm.bias", "visual.ln_post.bias"},
     {"visual_projection.weight", "visual.proj"}}};

std::vector<ClipWeight> block_weights(const EncoderOptions& options, const std::string& prefix) {
  const int64_t width = options.width, mlp = options.mlp_size();
  std::vector<ClipWeight> weights;
  const auto add = [&](const std::string& part, std::vector<int64_t> weight_shape) {
    weights.push_back({.name = prefix + part + "weight", .shape = weight_shape, .key = {}});
    weights.push_back({.name = prefix + part + "bias", .shape = {weight_shape[0]}, .key = {}});
  };
  for (const char* part : kQueryKeyValue) add(part, {width, width});
  add("self_attn.out_proj.", {width, width});
  add("layer_norm1.", {width});
  add("layer_norm2.", {width});
  add("mlp.fc1.", {mlp, width});
  add("mlp.fc2.", {width, mlp});
  return weights;
}

void append_encoder(std::vector<ClipWeight>& weights, const EncoderOptions& options, const std::string& prefix) {
  for (int64_t i = 0; i < options.layers; ++i) {
    for (ClipWeight& weight : block_weights(options, format_text("{}{}.", prefix, i))) {
      weights.push_back(std::move(weight));
    }
  }
}

std::vector<ClipWeight> text_weights(const ClipConfig& config) {
  const int64_t width = config.options.text.width;
  const auto weight = [](const char* name, std::vector<int64_t> shape) {
    return ClipWeight{.name = std::string("text.") + name, .shape = std::move(shape), .key = {}};
  };
  std::vector<ClipWeight> weights = {
      weight("text_model.embeddings.token_embedding.weight", {config.vocabulary_size, width}),
      weight("text_model.embeddings.position_embedding.weight", {config.context_length, width}),
      weight("text_model.final_layer_norm.weight", {width}), weight("text_model.final_layer_norm.bias", {width}),
      weight("text_projection.weight", {config.options.embedding_dim, width})};
  append_encoder(weights, config.options.text, "text.text_model.encoder.layers.");
  return weights;
}

std::vector<ClipWeight> image_weights(const ClipConfig& config) {
  const ImageTowerOptions& image = config.options.image;
  const int64_t width = image.encoder.width, grid = image.image_size / image.patch_size;
  const auto weight = [](const char* name, std::vector<int64_t> shape) {
    return ClipWeight{.name = std::string("image.") + name, .shape = std::move(shape), .key = {}};
  };
  std::vector<ClipWeight> weights = {
      weight("vision_model.embeddings.class_embedding", {width}),
      weight("vision_model.embeddings.patch_embedding.weight", {width, 3, image.patch_size, image.patch_size}),
      weight("vision_model.embeddings.position_embedding.weight", {grid * grid + 1, width}),
      weight("visual_projection.weight", {config.options.embedding_dim, width})};
  for (const char* norm : {"vision_model.pre_layrnorm.", "vision_model.post_layernorm."}) {
    for (const char* part : {"weight", "bias"}) {
      weights.push_back(weight((std::string(norm) + part).c_str(), {width}));
    }
  }
  append_encoder(weights, image.encoder, "image.vision_model.encoder.layers.");
  return weights;
}

/// "3.mlp.fc1.bias" -> "3.mlp.c_fc.bias"; q, k and v are thirds of one tensor.
void name_block_part(const std::string& part, const std::string& prefix, ClipWeight& weight) {
  const size_t dot = part.find('.');
  const std::string number = part.substr(0, dot + 1), rest = part.substr(dot + 1);
  for (size_t third = 0; third < kQueryKeyValue.size(); ++third) {
    if (!rest.starts_with(kQueryKeyValue[third])) continue;
    weight.key = prefix + number + "attn.in_proj_" + rest.substr(rest.rfind('.') + 1);
    weight.part = static_cast<int64_t>(third);
  }
  for (const auto& [theirs, openai] : kBlockParts) {
    if (rest.starts_with(theirs)) {
      weight.key = prefix + number + openai + rest.substr(rest.rfind('.') + 1);
    }
  }
}

template <size_t N>
void name_part(const std::string& name, const std::array<Pair, N>& parts, ClipWeight& weight) {
  for (const auto& [theirs, openai] : parts) {
    if (name == theirs) weight.key = openai;
  }
  weight.transposed = name.ends_with("_projection.weight");
}

void name_for_openai(ClipWeight& weight, ClipLayout layout) {
  const bool is_text = weight.name.starts_with("text.");
  const std::string name = weight.name.substr(weight.name.find('.') + 1);
  const std::string blocks = is_text ? "text_model.encoder.layers." : "vision_model.encoder.layers.";
  if (name.starts_with(blocks)) {
    name_block_part(name.substr(blocks.size()), is_text ? "transformer.resblocks." : "visual.transformer.resblocks.",
                    weight);
  } else if (is_text) {
    name_part(name, kTextParts, weight);
  } else {
    name_part(name, kImageParts, weight);
  }
  if (is_text && layout == ClipLayout::custom_text) weight.key = "text." + weight.key;
}

bool any_key(const WeightShapes& shapes, const char* prefix) {
  const auto found = shapes.lower_bound(prefix);
  return found != shapes.end() && found->first.starts_with(prefix);
}

[[noreturn]] void refuse_key(const std::string& path, const std::string& got) {
  throw ModelError(
      format_text("[clip.layout_of] expected the weights of a CLIP with a vision transformer in {}, "
                  "got {}",
                  path, got));
}

}  // namespace

std::vector<int64_t> ClipWeight::file_shape() const {
  std::vector<int64_t> out = shape;
  if (part >= 0) out[0] *= 3;
  if (transposed) std::reverse(out.begin(), out.end());
  return out;
}

std::vector<ClipWeight> clip_weights(const ClipConfig& config, ClipLayout layout) {
  std::vector<ClipWeight> weights;
  if (config.has_text) weights = text_weights(config);
  if (config.has_image) {
    for (ClipWeight& weight : image_weights(config)) weights.push_back(std::move(weight));
  }
  if (!config.projects) {
    std::erase_if(weights, [](const ClipWeight& weight) { return weight.name.ends_with("_projection.weight"); });
  }
  for (ClipWeight& weight : weights) {
    weight.key = weight.name.substr(weight.name.find('.') + 1);
    if (layout != ClipLayout::hugging_face) name_for_openai(weight, layout);
  }
  if (config.is_whole()) {
    weights.push_back({.name = "logit_scale", .shape = {}, .key = "logit_scale"});
  }
  return weights;
}

ClipLayout layout_of(const WeightShapes& shapes, const std::string& path) {
  if (any_key(shapes, "text_model.") || any_key(shapes, "vision_model.")) {
    return ClipLayout::hugging_face;
  }
  if (any_key(shapes, "visual.trunk.")) refuse_key(path, "an image tower of timm");
  if (any_key(shapes, "visual.layer1.") || any_key(shapes, "visual.attnpool.")) {
    refuse_key(path, "a ModifiedResNet as image tower");
  }
  if (!any_key(shapes, "visual.")) {
    refuse_key(path, "neither text_model.* nor vision_model.* nor visual.*");
  }
  return any_key(shapes, "text.") ? ClipLayout::custom_text : ClipLayout::openai;
}

bool is_stored_constant(const std::string& key) {
  return key.ends_with(".position_ids") || key == "attn_mask" || key == "text.attn_mask" || key == "input_resolution" ||
         key == "context_length" || key == "vocab_size";
}

std::string without_module_prefix(const std::string& key) { return key.starts_with("module.") ? key.substr(7) : key; }

}  // namespace noisescope::clip
