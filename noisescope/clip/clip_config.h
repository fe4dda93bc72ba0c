// What a model folder says of its CLIP, read from the three kinds of configuration there are:
//   Hugging Face  config.json of CLIPModel, CLIPTextModelWithProjection, CLIPVisionModelWithProjection
//                 (and of the conv towers of this program), preprocessor_config.json
//   open_clip     open_clip_config.json
//   none          OpenAI's state dict alone: sizes from the shapes of its tensors
// What a file leaves out and nothing else says is asked for, never guessed. No torch here.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_options.h"
#include "noisescope/clip/preprocess.h"

namespace noisescope::clip {

/// A CLIP as its configuration describes it. Either half may be absent.
struct ClipConfig {
  ClipOptions options;           // its image_mean and image_std are those of `preprocess`
  PreprocessOptions preprocess;  // from an image file to what the image tower sees
  bool has_text = true;
  bool has_image = true;
  int64_t vocabulary_size = 0;
  int64_t context_length = 0;
  int64_t start_id = 0;
  int64_t end_id = 0;       // text is pooled at the first token of this id
  bool old_end_id = false;  // its files state 2, of before transformers' #24773: the tokenizer knows better
  bool projects = true;     // false: weights without a projection, whose pooled state is the embedding
  // Whose rules texts are cleaned by; none: those that the tokenizer's files name (hf, if none).
  std::optional<ClipProfile> text_profile = std::nullopt;
  std::string source;              // the file that said so, for messages
  std::vector<std::string> notes;  // what was taken from the format's defaults

  bool is_whole() const { return has_text && has_image; }
};

/// What the user says where no file does. Zero or empty: nothing.
struct ClipHints {
  std::optional<ClipActivation> activation;
  int64_t text_heads = 0;
  int64_t image_heads = 0;
};

using WeightShapes = std::map<std::string, std::vector<int64_t>>;

/// config.json. Where eos_token_id is 2, transformers pools at the largest id (its rule before
/// #24773): the end id is then the last of the vocabulary. Throws FormatError naming file and key for
/// anything missing, mistyped, out of range or not implemented.
ClipConfig parse_clip_config(std::string_view json, const std::string& path, const ClipHints& hints = {});

/// open_clip_config.json: model_cfg and preprocess_cfg. Keys left out have open_clip's defaults
/// (model.py: head_width 64, mlp_ratio 4, GELU, OpenAI's mean and std); keys that this program does
/// not implement must have values that change nothing.
ClipConfig parse_open_clip_config(std::string_view json, const std::string& path);

/// Makes `preprocess` that of `config`. Throws FormatError with `path` unless pictures come out in the
/// size of the image tower.
void set_preprocess(ClipConfig& config, const PreprocessOptions& preprocess, const std::string& path);

/// What the towers of this program see of a file, with the mean and deviation of `options`.
PreprocessOptions own_preprocess(const ClipOptions& options);

/// A state dict of OpenAI's CLIP without any configuration. Widths, layers and image size come from
/// the shapes as in its build_model. Its constants input_resolution and context_length prove an
/// original of OpenAI, which means heads of width 64 and quick_gelu; without them open_clip's models
/// have the very same names, and `hints` must say both (ValueError tells which are missing).
ClipConfig infer_openai_config(const WeightShapes& shapes, const std::string& path, const ClipHints& hints = {});

/// Where the files of a CLIP lie.
struct ClipFolders {
  std::filesystem::path model;      // weights and config.json
  std::filesystem::path tokenizer;  // the same, or tokenizer/ of a pipeline
  std::string note;                 // "" where both are the folder itself
};

/// The folder itself; of a pipeline (model_index.json, text_encoder/, tokenizer/) its text encoder; and for a
/// text_encoder/ without tokenizer that of the pipeline around it.
ClipFolders find_clip_folders(const std::filesystem::path& folder);

/// Reads the configuration files of a folder. Throws IoError, FormatError.
ClipConfig read_clip_config(const std::filesystem::path& folder, const WeightShapes& shapes,
                            const ClipHints& hints = {});
/// The same of a folder with a conv tower, written by ClipModel::save: text/ and image/.
ClipConfig read_conv_config(const std::filesystem::path& folder);
bool is_conv_folder(const std::filesystem::path& folder);

/// The tokenizer of a folder, by the rules of config.text_profile; nullptr if there is none: ids may come
/// from elsewhere. Reads the files of Hugging Face, or the merges of OpenAI and open_clip
/// (bpe_simple_vocab_16e6.txt.gz). A context longer than the model's is the model's. Throws as load_tokenizer.
std::shared_ptr<const Tokenizer> find_tokenizer(const std::filesystem::path& folder, const ClipConfig& config);

/// Throws ModelError unless vocabulary and end token are those of the configuration and the context fits into its.
void check_tokenizer_fits(const ClipConfig& config, const Tokenizer& tokenizer);

/// Files of a Hugging Face folder.
nlohmann::json text_config_json(const ClipConfig& config);
nlohmann::json image_config_json(const ClipConfig& config);
/// CLIPConfig of a whole model; for a conv model the same with the conv tower as vision_config.
nlohmann::json clip_config_json(const ClipConfig& config);
nlohmann::json preprocessor_json(const PreprocessOptions& options);
/// All that decides what comes out, for the keys of caches.
std::string preprocess_key(const PreprocessOptions& options);
void write_json(const std::filesystem::path& path, const nlohmann::json& json);

}  // namespace noisescope::clip
