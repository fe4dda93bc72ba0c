// What a CLIP is made of: sizes, activations, normalisation. No torch here, so that the parsers of
// configuration files can be fuzzed on their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/core/options.h"

namespace noisescope::clip {

/// quick_gelu is x sigmoid(1.702 x) (OpenAI's weights); gelu the exact one (most open_clip weights).
/// The wrong one loads silently and is worse, so it is always stated.
enum class ClipActivation { quick_gelu, gelu };
NOISESCOPE_ENUM(ClipActivation, quick_gelu, gelu)

/// Length of the embeddings: one, as the contrastive loss compares them, or as the projection gives it.
enum class EmbeddingLength { unit, own };

/// Sizes of one transformer.
struct EncoderOptions {
  int64_t width = 128;
  int64_t layers = 2;
  int64_t heads = 4;
  int64_t mlp_width = 0;  // 0: four times the width
  ClipActivation activation = ClipActivation::gelu;
  double norm_eps = 1e-5;  // no choice of training: weights from elsewhere bring theirs

  int64_t mlp_size() const { return mlp_width > 0 ? mlp_width : 4 * width; }
};
void describe(Describer& d, EncoderOptions& options);

/// Throws ValueError unless the width divides among the heads.
void check_encoder(const char* where, const EncoderOptions& options);

enum class ImageTowerKind { conv, vit };
NOISESCOPE_ENUM(ImageTowerKind, conv, vit)

struct ImageTowerOptions {
  ImageTowerKind kind = ImageTowerKind::conv;
  int64_t image_size = 32;                            // pixels a side
  std::vector<int64_t> channels = {48, 64, 96, 128};  // conv: of each convolution
  int64_t hidden = 256;                               // conv: width of the head's hidden layer
  int64_t patch_size = 4;                             // vit: pixels a side of a patch
  EncoderOptions encoder;                             // vit
};
void describe(Describer& d, ImageTowerOptions& options);

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

}  // namespace noisescope::clip
