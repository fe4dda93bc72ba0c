#include "noisescope/clip/image_tower.h"

#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/nn/tap.h"

namespace noisescope::clip {
namespace {

constexpr int64_t kUnshuffle = 2;
constexpr int64_t kLastGrid = 4;  // side of the map that the head of the conv tower reads
constexpr int64_t kGroups = 8;

[[noreturn]] void refuse(const std::string& what) { throw ValueError("[clip.make_image_tower] expected " + what); }

/// Pixel-unshuffle, convolutions with GroupNorm and GELU that halve the map until it is 4x4, and an
/// MLP over all of it: where things are matters to captions such as "left of".
class ConvTower : public ImageTower {
 public:
  ConvTower(const ImageTowerOptions& options, int64_t embedding_dim)
      : fc1_(options.channels.back() * kLastGrid * kLastGrid, options.hidden), fc2_(options.hidden, embedding_dim) {
    int64_t in_channels = 3 * kUnshuffle * kUnshuffle;
    int64_t grid = options.image_size / kUnshuffle;
    for (size_t i = 0; i < options.channels.size(); ++i) {
      const int64_t stride = i > 0 && grid > kLastGrid ? 2 : 1;
      grid = (grid + stride - 1) / stride;
      convs_.emplace_back(torch::nn::Conv2dOptions(in_channels, options.channels[i], 3).stride(stride).padding(1));
      register_module(format_text("conv{}", i), convs_.back());
      if (i > 0) {  // the first sees raw pixels: their contrast is information
        norms_.emplace_back(torch::nn::GroupNormOptions(kGroups, options.channels[i]));
        register_module(format_text("norm{}", i), norms_.back());
      }
      in_channels = options.channels[i];
    }
    register_module("fc1", fc1_);
    register_module("fc2", fc2_);
  }

  Tensor forward(const Tensor& images) override {
    Tensor x = at::pixel_unshuffle(images, kUnshuffle);
    for (size_t i = 0; i < convs_.size(); ++i) {
      x = convs_[i](x);
      if (i > 0) x = norms_[i - 1](x);
      x = tap(format_text("image.conv{}", i), at::gelu(x));
    }
    if (x.size(2) != kLastGrid) x = at::adaptive_avg_pool2d(x, {kLastGrid, kLastGrid});
    return tap("image.embedding", fc2_(at::gelu(fc1_(x.flatten(1)))));
  }

  std::vector<InitRule> init_rules() const override { return {}; }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::GroupNorm> norms_;
  torch::nn::Linear fc1_, fc2_;
};

class VitTower : public ImageTower {
 public:
  VitTower(const ImageTowerOptions& options, int64_t embedding_dim)
      : width_(options.encoder.width),
        class_embedding_(torch::zeros({width_})),
        patch_embedding_(
            torch::nn::Conv2dOptions(3, width_, options.patch_size).stride(options.patch_size).bias(false)),
        position_embedding_(patches(options) + 1, width_),
        pre_layrnorm_(layer_norm(options.encoder)),
        encoder_(options.encoder, /*causal=*/false, "image"),
        post_layernorm_(layer_norm(options.encoder)),
        visual_projection_(torch::nn::LinearOptions(width_, embedding_dim).bias(false)) {
    const auto vision_model = register_group(*this, "vision_model");
    const auto embeddings = register_group(*vision_model, "embeddings");
    class_embedding_ = embeddings->register_parameter("class_embedding", class_embedding_);
    embeddings->register_module("patch_embedding", patch_embedding_);
    embeddings->register_module("position_embedding", position_embedding_);
    vision_model->register_module("pre_layrnorm", pre_layrnorm_);  // the name is transformers'
    vision_model->register_module("encoder", encoder_);
    vision_model->register_module("post_layernorm", post_layernorm_);
    register_module("visual_projection", visual_projection_);
  }

  Tensor forward(const Tensor& images) override {
    const int64_t batch = images.size(0);
    const Tensor patches = patch_embedding_(images).flatten(2).transpose(1, 2);  // [B, P, D]
    const Tensor tokens = at::cat({class_embedding_.expand({batch, 1, width_}), patches}, 1);
    const Tensor embedded = tap("image.embedded", tokens + position_embedding_->weight);
    const Tensor first = torch::zeros({batch}, images.options().dtype(torch::kInt64));
    const Tensor pooled = encoder_->forward_at(pre_layrnorm_(embedded), first);  // the class token
    return tap("image.embedding", visual_projection_(post_layernorm_(pooled)));
  }

  std::vector<InitRule> init_rules() const override {
    const double std = 1 / std::sqrt(static_cast<double>(width_));
    const auto normal = [](const char* name, double value) {
      return InitRule{.parameter = name, .kind = InitRule::Kind::normal, .value = value};
    };
    return {normal("vision_model.embeddings.class_embedding", std),
            normal("vision_model.embeddings.position_embedding.weight", std), normal("visual_projection.weight", std)};
  }

 private:
  static int64_t patches(const ImageTowerOptions& options) {
    const int64_t side = options.image_size / options.patch_size;
    return side * side;
  }

  int64_t width_;
  Tensor class_embedding_;
  torch::nn::Conv2d patch_embedding_;
  torch::nn::Embedding position_embedding_;
  torch::nn::LayerNorm pre_layrnorm_;
  Encoder encoder_;
  torch::nn::LayerNorm post_layernorm_;
  torch::nn::Linear visual_projection_;
};

}  // namespace

void check_image_tower(const ImageTowerOptions& options) {
  check_options("clip.check_image_tower", options);
  if (options.kind == ImageTowerKind::vit) {
    check_encoder("clip.make_image_tower", options.encoder);
    if (options.image_size % options.patch_size != 0) {
      refuse(format_text("an image side that patches divide, got {} px and patches of {} px", options.image_size,
                         options.patch_size));
    }
    return;
  }
  if (options.image_size % kUnshuffle != 0 || options.image_size < kUnshuffle * kLastGrid) {
    refuse(format_text("an even image side of at least {} px, got {}", kUnshuffle * kLastGrid, options.image_size));
  }
  if (options.channels.empty()) refuse("at least one convolution in channels, got none");
  for (const int64_t channels : options.channels) {
    if (channels % kGroups != 0) {
      refuse(format_text("channels that are multiples of 8, got {}", channels));
    }
  }
}

std::shared_ptr<ImageTower> make_image_tower(const ImageTowerOptions& options, int64_t embedding_dim) {
  check_image_tower(options);
  if (options.kind == ImageTowerKind::vit) return std::make_shared<VitTower>(options, embedding_dim);
  return std::make_shared<ConvTower>(options, embedding_dim);
}

}  // namespace noisescope::clip
