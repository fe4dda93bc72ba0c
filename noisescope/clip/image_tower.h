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

namespace noisescope::clip {

class ImageTower : public torch::nn::Module, public HasInitRules {
 public:
  /// Images [B, 3, S, S], already normalised, to embeddings [B, E], not normalised.
  /// Taps: conv: image.conv<i> [B, C, h, w]; vit: image.embedded and image.block<i> [B, 1 + P, D]
  /// (class token first); both: image.embedding [B, E].
  virtual Tensor forward(const Tensor& images) = 0;
};

/// Throws ValueError for sizes that cannot work: an odd image side or channels that are no multiple
/// of 8 (conv), an image side that patches do not divide (vit).
void check_image_tower(const ImageTowerOptions& options);

/// Checked as above.
std::shared_ptr<ImageTower> make_image_tower(const ImageTowerOptions& options, int64_t embedding_dim);

}  // namespace noisescope::clip
