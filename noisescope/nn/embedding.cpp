#include "noisescope/nn/embedding.h"

namespace noisescope::nn {

Tensor sinusoid_features(const Tensor& label, int64_t count) {
  constexpr double kHighest = 200.0, kRatio = 1000.0;
  const int64_t half = count / 2;
  const Tensor exponents = torch::arange(half, label.options()) * (-std::log(kRatio) / half);
  const Tensor angles = label.unsqueeze(1) * (torch::exp(exponents) * kHighest).unsqueeze(0);
  return torch::cat({angles.sin(), angles.cos()}, 1);
}

JointEmbeddingImpl::JointEmbeddingImpl(const UNetOptions& options)
    : noise1_(register_module("noise1", torch::nn::Linear(kNoiseFeatures, options.embedding_width))),
      noise2_(register_module("noise2", torch::nn::Linear(options.embedding_width, options.embedding_width))),
      condition_(register_module("condition", torch::nn::Linear(options.condition_width, options.embedding_width))) {}

Tensor JointEmbeddingImpl::forward(const Tensor& noise_label, const Tensor& condition) {
  const Tensor features = sinusoid_features(noise_label, kNoiseFeatures);
  return torch::silu(noise2_(torch::silu(noise1_(features))) + condition_(condition));
}

ConditionMapImpl::ConditionMapImpl(const UNetOptions& o)
    : channels_(o.condition_map_channels),
      size_(o.condition_map_size),
      hidden_(register_module("hidden", torch::nn::Linear(o.condition_width, condition_map_hidden(o)))),
      out_(register_module("out", torch::nn::Linear(condition_map_hidden(o), channels_ * size_ * size_))) {}

Tensor ConditionMapImpl::forward(const Tensor& condition) {
  return out_(torch::silu(hidden_(condition))).view({-1, channels_, size_, size_});
}

Tensor coordinate_channels(int64_t height, int64_t width, const torch::TensorOptions& options) {
  const Tensor y = torch::linspace(-1, 1, height, options).view({1, 1, height, 1});
  const Tensor x = torch::linspace(-1, 1, width, options).view({1, 1, 1, width});
  return torch::cat({y.expand({1, 1, height, width}), x.expand({1, 1, height, width})}, 1);
}

}  // namespace noisescope::nn
