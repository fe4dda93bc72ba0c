// The image half of CLIP behind one interface, in two kinds:
//   vit   the patch transformer of CLIP (Radford et al. 2021, arXiv:2103.00020, 2.4), with the names
//         of transformers' CLIPVisionModelWithProjection
//   conv  a small convolutional network: far better than a tiny ViT within a minute of training on
//         small images
#pragma once

#include <memory>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>

#include "noisescope/clip/encoder.h"

namespace noisescope {

enum class ImageTowerKind { conv, vit };

constexpr std::array<std::pair<ImageTowerKind, const char*>, 2> enum_names(ImageTowerKind) {
  return {{{ImageTowerKind::conv, "conv"}, {ImageTowerKind::vit, "vit"}}};
}

struct ImageTowerOptions {
  ImageTowerKind kind = ImageTowerKind::conv;
  int64_t image_size = 32;  // pixels a side
  std::vector<int64_t> channels = {48, 64, 96, 128};  // conv: of each convolution
  int64_t hidden = 256;                               // conv: width of the head's hidden layer
  int64_t patch_size = 4;                             // vit: pixels a side of a patch
  EncoderOptions encoder;                             // vit
};
void describe(Describer& d, ImageTowerOptions& options);

class ImageTower : public torch::nn::Module, public HasInitRules {
 public:
  /// Images [B, 3, S, S], already normalised, to embeddings [B, E], not normalised.
  /// Taps: conv: image.conv<i> [B, C, h, w]; vit: image.embedded and image.block<i> [B, 1 + P, D]
  /// (class token first); both: image.embedding [B, E].
  virtual Tensor forward(const Tensor& images) = 0;
};

/// Throws ValueError for sizes that cannot work: an odd image side or channels that are no multiple
/// of 8 (conv), an image side that patches do not divide (vit).
std::shared_ptr<ImageTower> make_image_tower(const ImageTowerOptions& options,
                                             int64_t embedding_dim);

}  // namespace noisescope
