#include "noisescope/clip/text_tower.h"

#include <cmath>

#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/nn/tap.h"

namespace noisescope::clip {

TextTowerImpl::TextTowerImpl(const EncoderOptions& encoder, const TextTowerShape& shape)
    : encoder_options_((check_encoder("clip.TextTower", encoder), encoder)),
      shape_(shape),
      token_embedding_(shape.vocabulary_size, encoder.width),
      position_embedding_(shape.context_length, encoder.width),
      encoder_(encoder, /*causal=*/true, "text"),
      final_layer_norm_(layer_norm(encoder)),
      text_projection_(torch::nn::LinearOptions(encoder.width, shape.embedding_dim).bias(false)) {
  const auto text_model = register_group(*this, "text_model");
  const auto embeddings = register_group(*text_model, "embeddings");
  embeddings->register_module("token_embedding", token_embedding_);
  embeddings->register_module("position_embedding", position_embedding_);
  text_model->register_module("encoder", encoder_);
  text_model->register_module("final_layer_norm", final_layer_norm_);
  register_module("text_projection", text_projection_);
}

Tensor TextTowerImpl::embedded(const Tensor& ids) {
  check_dtype("clip.TextTower", "ids", ids, torch::kInt64);
  check_shape("clip.TextTower", "ids", ids, {-1, -1});
  const int64_t length = ids.size(1);
  if (length < 1 || length > shape_.context_length) {
    throw ShapeError(format_text("[clip.TextTower] expected 1 to {} tokens a row, got {}", shape_.context_length,
                                 describe_tensor(ids)));
  }
  const Tensor positions = position_embedding_->weight.narrow(0, 0, length);
  return tap("text.embedded", token_embedding_(to_device(ids, positions.device())) + positions);
}

/// [B] int64 on the device of the weights: the first end token, as transformers pools. It is also the largest id, by
/// which OpenAI pools: the same position.
Tensor TextTowerImpl::end_positions(const Tensor& ids) const {
  const Tensor is_end = ids == shape_.end_id;
  if (!is_end.any(1).all().item<bool>()) {
    throw ValueError(
        format_text("[clip.TextTower] expected the end token {} in every row of ids, "
                    "got a row without it",
                    shape_.end_id));
  }
  return to_device(is_end.to(torch::kInt32).argmax(1), token_embedding_->weight.device());
}

TextFeatures TextTowerImpl::forward(const Tensor& ids) {
  const Tensor hidden = tap("text.hidden", final_layer_norm_(encoder_(embedded(ids))));
  const Tensor rows = torch::arange(ids.size(0), hidden.device());
  const Tensor pooled = hidden.index({rows, end_positions(ids)});
  return {tap("text.embedding", text_projection_(pooled)), hidden};
}

Tensor TextTowerImpl::hidden(const Tensor& ids, const TextHiddenOptions& options) {
  if (options.skip < 0 || options.skip > encoder_options_.layers) {
    throw ValueError(format_text("[clip.TextTower.hidden] expected to skip 0 to {} blocks, got {}",
                                 encoder_options_.layers, options.skip));
  }
  const Tensor states = encoder_->forward(embedded(ids), options.skip);
  return options.final_norm ? final_layer_norm_(states) : states;
}

Tensor TextTowerImpl::embed(const Tensor& ids) {
  if (detail::innermost_tap_scope != nullptr) return forward(ids).embedding;
  const Tensor pooled = encoder_->forward_at(embedded(ids), end_positions(ids));
  return text_projection_(final_layer_norm_(pooled));
}

std::vector<InitRule> TextTowerImpl::init_rules() const {
  const auto normal = [](const char* name, double std) {
    return InitRule{.parameter = name, .kind = InitRule::Kind::normal, .value = std};
  };
  return {normal("text_model.embeddings.token_embedding.weight", 0.02),
          normal("text_model.embeddings.position_embedding.weight", 0.01),
          normal("text_projection.weight", 1 / std::sqrt(static_cast<double>(encoder_options_.width)))};
}

}  // namespace noisescope::clip
