// The text half of CLIP (Radford et al. 2021, arXiv:2103.00020, 2.4): token and position embedding,
// causal pre-norm transformer, final LayerNorm, the state at <|endoftext|>, linear projection.
// Registered names are those of transformers' CLIPTextModelWithProjection.
#pragma once

#include <torch/nn/modules/embedding.h>

#include "noisescope/clip/encoder.h"
#include "noisescope/clip/text_features.h"

namespace noisescope::clip {

/// What tokens and embeddings a text tower is for.
struct TextTowerShape {
  int64_t vocabulary_size = 0;
  int64_t context_length = 0;
  int64_t embedding_dim = 0;
  int64_t end_id = 0;  // pooling happens at the first token of this id
};

class TextTowerImpl : public torch::nn::Module, public HasInitRules {
 public:
  /// Throws ValueError for sizes that cannot work.
  TextTowerImpl(const EncoderOptions& encoder, const TextTowerShape& shape);

  /// `ids` int64 [B, L], L <= context_length; every row holds end_id (ValueError otherwise). Best on the CPU, where to
  /// look at them waits for no device; they go to that of the weights.
  /// Taps: text.embedded [B, L, D], text.block<i> and parts of it, text.hidden, text.embedding.
  TextFeatures forward(const Tensor& ids);

  /// States of all tokens [B, L, D] after layers - skip blocks. {0, true} is transformers'
  /// last_hidden_state, {1, false} its hidden_states[-2]. ValueError unless 0 <= skip <= layers.
  Tensor hidden(const Tensor& ids, const TextHiddenOptions& options);

  /// The embedding alone [B, E]: cheaper, equal to rounding.
  Tensor embed(const Tensor& ids);

  std::vector<InitRule> init_rules() const override;

  const EncoderOptions& encoder_options() const { return encoder_options_; }
  const TextTowerShape& shape() const { return shape_; }

 private:
  Tensor embedded(const Tensor& ids);
  Tensor end_positions(const Tensor& ids) const;

  EncoderOptions encoder_options_;
  TextTowerShape shape_;
  torch::nn::Embedding token_embedding_;
  torch::nn::Embedding position_embedding_;
  Encoder encoder_;
  torch::nn::LayerNorm final_layer_norm_;
  torch::nn::Linear text_projection_;
};
TORCH_MODULE(TextTower);

}  // namespace noisescope::clip
