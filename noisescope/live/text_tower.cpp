#include "noisescope/live/text_tower.h"

#include <cmath>

#include "noisescope/core/format.h"

namespace noisescope::live {
namespace {

float activated(float x, ClipActivation activation) {
  if (activation == ClipActivation::quick_gelu) return x / (1.0f + std::exp(-1.702f * x));
  return 0.5f * x * (1.0f + std::erf(x * 0.70710678f));
}

void add_to(std::vector<float>& x, const std::vector<float>& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

}  // namespace

/// x + attention(norm(x)), then x + MLP(norm(x)).
struct LiveTextTower::Block {
  Block(const EncoderOptions& o, const Weights& weights, const std::string& name)
      : options(o),
        norm1(weights, name + ".layer_norm1", o.width, o.norm_eps),
        norm2(weights, name + ".layer_norm2", o.width, o.norm_eps),
        q(weights, name + ".self_attn.q_proj", o.width, o.width),
        k(weights, name + ".self_attn.k_proj", o.width, o.width),
        v(weights, name + ".self_attn.v_proj", o.width, o.width),
        out(weights, name + ".self_attn.out_proj", o.width, o.width),
        fc1(weights, name + ".mlp.fc1", o.width, o.mlp_size()),
        fc2(weights, name + ".mlp.fc2", o.mlp_size(), o.width) {}

  std::vector<float> attention(const std::vector<float>& x) const {
    const std::vector<float> queries = q(x), keys = k(x), values = v(x);
    std::vector<float> mixed(x.size());
    const int64_t width = options.width / options.heads, length = static_cast<int64_t>(x.size()) / options.width;
    for (int64_t head = 0; head < options.heads; ++head) {
      const int64_t at = head * width;
      attend({queries.data() + at, keys.data() + at, values.data() + at, length, width, options.width, true},
             mixed.data() + at, options.width);
    }
    return out(mixed);
  }

  std::vector<float> operator()(std::vector<float> x) const {
    add_to(x, attention(norm1(x)));
    std::vector<float> hidden = fc1(norm2(x));
    for (float& value : hidden) value = activated(value, options.activation);
    add_to(x, fc2(hidden));
    return x;
  }

  EncoderOptions options;
  LayerNormLayer norm1, norm2;
  LinearLayer q, k, v, out, fc1, fc2;
};

LiveTextTower::LiveTextTower(const EncoderOptions& options, int64_t embedding_dim, const Weights& weights,
                             const std::string& prefix)
    : options_((check_encoder("live.LiveTextTower", options), options)),
      tokens_(weights.at(prefix + "text_model.embeddings.token_embedding.weight")),
      positions_(weights.at(prefix + "text_model.embeddings.position_embedding.weight")),
      final_norm_(weights, prefix + "text_model.final_layer_norm", options.width, options.norm_eps),
      projection_(weights, prefix + "text_projection", options.width, embedding_dim, /*has_bias=*/false) {
  for (const WeightArray* table : {&tokens_, &positions_}) {
    if (table->shape.size() == 2 && table->shape[1] == options.width) continue;
    throw ModelError(format_text("[live.LiveTextTower] expected embeddings of width {}, got others", options.width));
  }
  for (int64_t i = 0; i < options.layers; ++i) {
    blocks_.emplace_back(options, weights, prefix + format_text("text_model.encoder.layers.{}", i));
  }
}

LiveTextTower::~LiveTextTower() = default;
LiveTextTower::LiveTextTower(LiveTextTower&&) noexcept = default;

std::vector<float> LiveTextTower::embedded(const std::vector<int64_t>& ids) const {
  const auto width = static_cast<size_t>(options_.width);
  if (static_cast<int64_t>(ids.size()) > positions_.shape[0]) {
    throw ValueError(
        format_text("[live.LiveTextTower] expected at most {} tokens, got {}", positions_.shape[0], ids.size()));
  }
  std::vector<float> x(ids.size() * width);
  for (size_t row = 0; row < ids.size(); ++row) {
    if (ids[row] < 0 || ids[row] >= tokens_.shape[0]) {
      throw ModelError(
          format_text("[live.LiveTextTower] expected tokens below {}, got {}; the tokenizer belongs to "
                      "another text tower",
                      tokens_.shape[0], ids[row]));
    }
    const double* token = tokens_.values.data() + static_cast<size_t>(ids[row]) * width;
    const double* position = positions_.values.data() + row * width;
    for (size_t i = 0; i < width; ++i) {
      x[row * width + i] = static_cast<float>(token[i]) + static_cast<float>(position[i]);
    }
  }
  return x;
}

std::vector<float> LiveTextTower::operator()(const std::vector<int64_t>& ids) const {
  std::vector<float> x = embedded(ids);
  for (const Block& block : blocks_) x = block(std::move(x));
  return projection_(final_norm_({x.end() - options_.width, x.end()}));
}

}  // namespace noisescope::live
