// Configurations of CLIP folders and the index of weight shards. What parses must describe a model
// whose list of weights is finite and consistent, and must come back equal from our own JSON.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "noisescope/clip/folder/clip_keys.h"
#include "noisescope/core/error.h"
#include "noisescope/io/weight_index.h"

namespace noisescope {
namespace {

void check_encoder_sizes(const EncoderOptions& options) {
  if (options.width < 1 || options.heads < 1 || options.layers < 1) std::abort();
  if (options.width % options.heads != 0 || options.mlp_size() < 1) std::abort();
  if (!(options.norm_eps > 0)) std::abort();
}

void check_weights(const ClipConfig& config) {
  for (const ClipLayout layout : {ClipLayout::hugging_face, ClipLayout::openai, ClipLayout::custom_text}) {
    std::set<std::string> names;
    for (const ClipWeight& weight : clip_weights(config, layout)) {
      if (weight.key.empty() || !names.insert(weight.name).second) std::abort();
      for (const int64_t size : weight.file_shape()) {
        if (size < 1) std::abort();
      }
    }
  }
}

void check_config(const ClipConfig& config) {
  if (config.has_text) {
    check_encoder_sizes(config.options.text);
    if (config.end_id < 0 || config.end_id >= config.vocabulary_size) std::abort();
    if (config.context_length < 1) std::abort();
  }
  if (config.has_image) {
    const ImageTowerOptions& image = config.options.image;
    check_encoder_sizes(image.encoder);
    if (image.patch_size < 1 || image.image_size % image.patch_size != 0) std::abort();
  }
  check_weights(config);
  const std::string json = clip_config_json(config).dump();
  if (clip_config_json(parse_clip_config(json, "again")).dump() != json) std::abort();
}

/// Runs a parser; only the library's own errors may come out of it.
template <class Parse>
void attempt(const Parse& parse) {
  try {
    parse();
  } catch (const FormatError&) {
  } catch (const ValueError&) {
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  attempt([&] { check_config(parse_clip_config(text, "fuzz")); });
  attempt([&] { check_config(parse_clip_config(text, "fuzz", {.activation = ClipActivation::gelu})); });
  attempt([&] {
    const ClipConfig config = parse_open_clip_config(text, "fuzz");
    check_config(config);
    const int64_t side = config.options.image.image_size;
    if (preprocessed_size(config.preprocess) != std::pair(side, side)) std::abort();
  });
  attempt([&] {
    for (const auto& [tensor, file] : parse_weight_index(text, "fuzz")) {
      if (file.find('/') != std::string::npos || !file.ends_with(".safetensors")) std::abort();
    }
  });
  return 0;
}
