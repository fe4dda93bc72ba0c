// A trained model as one file that runs without torch: network, preconditioning, text tower, tokenizer, whitening, and
// how it draws. live_export/live_file.h writes the file: safetensors, whose metadata "live" says in JSON what it holds.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/live/settings.h"
#include "noisescope/live/text_tower.h"
#include "noisescope/live/unet.h"

namespace noisescope::live {

/// The format of live files that this program reads and writes.
inline constexpr int kLiveFormat = 1;

class LiveModel {
 public:
  /// `file` holds the whole file; `name` stands for it in messages. Throws FormatError for a file that is none of ours,
  /// ModelError for parts that do not fit each other or that need the program itself (byte-pair tokenizers, networks
  /// of xNoise), saying which.
  static LiveModel read(std::string_view file, const std::string& name);

  /// Condition [D] of a prompt; a blank one is "no prompt". Throws ValueError for words that the model does not know.
  std::vector<float> condition(const std::string& prompt) const;
  const std::vector<float>& null_condition() const { return null_condition_; }

  /// D(x, sigma, condition): x [B, C, H, W], condition [B, D], all at one noise level -> [B, C, H, W].
  std::vector<float> denoise(const std::vector<float>& x, double sigma, const std::vector<float>& condition) const;

  const nlohmann::ordered_json& description() const { return description_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const SamplingSettings& sample() const { return sample_; }
  const LogSigmas& schedule() const { return schedule_; }
  double log_snr_max() const { return log_snr_max_; }
  int64_t channels() const { return network_.options().in_channels; }
  int64_t side() const { return network_.options().image_size; }
  int64_t picture_size() const { return channels() * side() * side(); }
  int64_t condition_width() const { return network_.options().condition_width; }
  /// Lists of words that are alternatives of each other, of a world.
  const std::vector<std::vector<std::string>>& word_lists() const { return word_lists_; }

 private:
  LiveModel(const nlohmann::ordered_json& description, const Weights& weights);

  struct Whitening {
    std::vector<float> mean;
    PixelWeights matrix;
    float clamp = 0;
  };

  nlohmann::ordered_json description_;
  PreconditionSettings precondition_;
  LiveUNet network_;
  Tokenizer tokenizer_;
  LiveTextTower tower_;
  Whitening whitening_;
  bool unit_length_ = true, modality_flag_ = false;
  std::vector<float> null_condition_;
  SamplingSettings sample_;
  LogSigmas schedule_;
  double log_snr_max_ = 0;
  std::vector<std::vector<std::string>> word_lists_;
};

}  // namespace noisescope::live
