// The text half of CLIP (clip/text_tower.h) as it answers, without torch.
#pragma once

#include <vector>

#include "noisescope/clip/clip_options.h"
#include "noisescope/live/layers.h"

namespace noisescope::live {

class LiveTextTower {
 public:
  /// Weights under their names in transformers' files behind `prefix`. Throws ModelError for weights that do not fit.
  LiveTextTower(const EncoderOptions& options, int64_t embedding_dim, const Weights& weights,
                const std::string& prefix);
  ~LiveTextTower();
  LiveTextTower(LiveTextTower&&) noexcept;

  /// The embedding [E] of one text's tokens, the last of which is the end; not normalised.
  std::vector<float> operator()(const std::vector<int64_t>& ids) const;

 private:
  struct Block;
  std::vector<float> embedded(const std::vector<int64_t>& ids) const;

  EncoderOptions options_;
  WeightArray tokens_, positions_;
  std::vector<Block> blocks_;
  LayerNormLayer final_norm_;
  LinearLayer projection_;
};

}  // namespace noisescope::live
