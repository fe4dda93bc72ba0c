// CLIP as a whole: tokenizer, text tower, image tower and logit scale, and its folder on disk.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/clip/image_tower.h"
#include "noisescope/clip/text_tower.h"
#include "noisescope/clip/tokenizer.h"

namespace noisescope {

struct ClipOptions {
  int64_t embedding_dim = 128;
  TokenizerOptions tokenizer;
  EncoderOptions text;
  ImageTowerOptions image;
  // Images come in [-1, 1]; towers see (image / 2 + 1/2 - mean) / std. Weights from elsewhere bring
  // their own numbers.
  std::vector<double> image_mean = {0.5, 0.5, 0.5};
  std::vector<double> image_std = {0.5, 0.5, 0.5};
};
void describe(Describer& d, ClipOptions& options);

/// Token ids of a list of texts.
struct TokenTable {
  Tensor ids;                             // int64 [B, L]: padded with the end id to the longest
  std::vector<Encoding> encodings;        // per text: spans, what was cut, what is unknown
  std::vector<std::string> truncated;     // the texts that did not fit the context

  /// Every unknown word once, as describe_unknown wants it.
  std::vector<UnknownWord> unknown() const;
};
TokenTable tokenize(const Tokenizer& tokenizer, const std::vector<std::string>& texts);

/// Copyable handle: copies share the weights.
class ClipModel {
 public:
  /// A new model with weights that depend on (options, vocabulary, seed) alone.
  /// Throws ValueError for sizes that cannot work.
  ClipModel(const ClipOptions& options, Tokenizer tokenizer, uint64_t seed);

  /// Embeddings of unit norm, [B, embedding_dim] float32 on the model's device. Both keep the graph
  /// unless the caller switched gradients off. Unknown words are encoded as <|unk|>: look at
  /// tokenize(...).unknown() first.
  Tensor encode_text(const std::vector<std::string>& texts) const;
  /// `ids` int64 [B, L] as tokenize gives them.
  Tensor encode_tokens(const Tensor& ids) const;
  /// `images` [B, 3, S, S] float32 in [-1, 1] with S = image_size().
  Tensor encode_image(const Tensor& images) const;

  /// What encode_tokens normalises, and the states of the tokens (for attention over words).
  TextFeatures text_features(const Tensor& ids) const;

  /// min(exp(logit_scale), 100): the factor on cosines in the loss (Radford et al. 2021, 2.5).
  Tensor logit_scale() const;

  const ClipOptions& options() const { return options_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  int64_t image_size() const { return options_.image.image_size; }
  int64_t embedding_dim() const { return options_.embedding_dim; }
  torch::Device device() const;

  /// Both towers and the logit scale as one module: "text.*", "image.*", "logit_scale".
  torch::nn::Module& module() const { return *module_; }
  void to(torch::Device device) const { module_->to(device); }

  /// 32 hexadecimal digits that depend on options, vocabulary and every weight: keys caches.
  std::string weights_hash() const;

  /// Writes a folder in Hugging Face layout.
  ///   vit tower   a CLIPModel: config.json, model.safetensors, preprocessor_config.json, tokenizer
  ///   conv tower  text/: a CLIPTextModelWithProjection with its tokenizer; image/: the tower and
  ///               the logit scale
  /// A folder that held a model of the other kind is cleaned of it.
  void save(const std::filesystem::path& folder) const;

  /// Throws IoError, FormatError (damaged or hostile files) or ModelError (weights that do not fit
  /// the configuration).
  static ClipModel load(const std::filesystem::path& folder);

 private:
  ClipOptions options_;
  Tokenizer tokenizer_;
  std::shared_ptr<torch::nn::Module> module_;
  TextTower text_;
  std::shared_ptr<ImageTower> image_;
  Tensor logit_scale_;
};

}  // namespace noisescope
