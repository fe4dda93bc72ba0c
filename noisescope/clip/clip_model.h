// CLIP as a whole: tokenizer, text tower, image tower and logit scale, and its folder on disk.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/clip/clip_config.h"
#include "noisescope/clip/folder/clip_weights.h"
#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/clip/text_features.h"

namespace noisescope::clip {

class ImageTower;
class TextTowerImpl;

/// Token ids of a list of texts.
struct TokenTable {
  Tensor ids;                          // int64 [B, L]: padded with the end id to the longest
  std::vector<Encoding> encodings;     // per text: spans, what was cut, what is unknown
  std::vector<std::string> truncated;  // the texts that did not fit the context

  /// Every unknown word once, as describe_unknown wants it.
  std::vector<UnknownWord> unknown() const;
};
TokenTable tokenize(const Tokenizer& tokenizer, const std::vector<std::string>& texts);

/// How ClipModel::load reads a folder.
struct ClipLoadOptions {
  ClipHints hints;         // where the folder does not say
  int64_t image_size = 0;  // 0: that of training; else position embeddings pass to this one
  PositionResize position_resize = PositionResize::transformers;
};

/// Copyable handle: copies share the weights. Models of other folders may have one half only; calls
/// that need the other throw ModelError.
class ClipModel {
 public:
  /// A new model with weights that depend on (options, vocabulary, seed) alone.
  /// Throws ValueError for sizes that cannot work.
  ClipModel(const ClipOptions& options, const Tokenizer& tokenizer, uint64_t seed);

  /// Embeddings [B, embedding_dim] float32 on the model's device, of unit norm unless asked otherwise.
  /// All keep the graph unless the caller switched gradients off. Unknown words are encoded as <|unk|>: look at
  /// tokenize(...).unknown() first.
  Tensor encode_text(const std::vector<std::string>& texts, EmbeddingLength length = EmbeddingLength::unit) const;
  /// `ids` int64 [B, L] as tokenize gives them.
  Tensor encode_tokens(const Tensor& ids, EmbeddingLength length = EmbeddingLength::unit) const;
  /// `images` [B, 3, S, S] float32 in [-1, 1] with S = image_size().
  Tensor encode_image(const Tensor& images, EmbeddingLength length = EmbeddingLength::unit) const;
  /// `values` [B, 3, S, S] float32 as pixel_values makes them of files by config().preprocess.
  Tensor encode_pixel_values(const Tensor& values) const;

  /// What encode_tokens normalises, and the states of the tokens (for attention over words).
  TextFeatures text_features(const Tensor& ids) const;
  /// States of all tokens alone, also of an earlier block: see TextTowerImpl::hidden.
  Tensor text_hidden(const Tensor& ids, const TextHiddenOptions& options = {}) const;

  /// min(exp(logit_scale), 100): the factor on cosines in the loss (Radford et al. 2021, 2.5).
  Tensor logit_scale() const;

  const ClipConfig& config() const { return config_; }
  const ClipOptions& options() const { return config_.options; }
  bool has_text() const { return config_.has_text; }
  bool has_image() const { return config_.has_image; }
  bool has_tokenizer() const { return tokenizer_ != nullptr; }
  /// Throws ModelError if the folder had none.
  const Tokenizer& tokenizer() const;
  int64_t image_size() const { return config_.options.image.image_size; }
  int64_t embedding_dim() const { return config_.options.embedding_dim; }
  torch::Device device() const;

  /// Both towers and the logit scale as one module: "text.*", "image.*", "logit_scale".
  torch::nn::Module& module() const { return *module_; }
  void to(torch::Device device) const;

  /// 32 hexadecimal digits that depend on options, vocabulary and every weight: keys caches.
  std::string weights_hash() const;

  /// Writes a folder in Hugging Face layout, float32.
  ///   vit tower   a CLIPModel, or the half there is: config.json, model.safetensors, preprocessor_config.json,
  ///   tokenizer conv tower  text/: a CLIPTextModelWithProjection with its tokenizer; image/: the tower and
  ///               the logit scale
  /// A folder that held a model of the other kind is cleaned of it.
  void save(const std::filesystem::path& folder) const;

  /// Reads a folder of this program, of transformers (CLIPModel or either half with projection), of
  /// open_clip, or with OpenAI's state dict as safetensors; weights in float32, float16 or bfloat16. Of a half without
  /// projection (CLIPTextModel, as in Stable Diffusion's text_encoder/) the pooled state is the embedding; of a
  /// pipeline folder the text encoder is read. Throws IoError, FormatError (damaged or hostile files), ValueError
  /// (something that the hints must say) or ModelError (weights that do not fit the configuration: all faults at once).
  /// The tokenizer follows the program that the weights belong to: clip_profile.h.
  static ClipModel load(const std::filesystem::path& folder, const ClipLoadOptions& options = {});

 private:
  /// Weights are as torch starts them.
  ClipModel(ClipConfig config, std::shared_ptr<const Tokenizer> tokenizer);
  void add_logit_scale();
  void need(bool half, const char* what) const;

  ClipConfig config_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<torch::nn::Module> module_;
  std::shared_ptr<TextTowerImpl> text_;
  std::shared_ptr<ImageTower> image_;
  Tensor logit_scale_;
};

}  // namespace noisescope::clip
