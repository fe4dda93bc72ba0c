// A diffusion problem of a few milliseconds: 8 fixed 4x4 pictures, each with a condition of its own,
// and a network of two layers.
#pragma once

#include <torch/nn/module.h>

#include "noisescope/train/trainer.h"

namespace noisescope {

constexpr int64_t kTinySide = 4;
constexpr int64_t kTinyPixels = 3 * kTinySide * kTinySide;
constexpr int64_t kTinyKinds = 8;

struct TinyNetwork : torch::nn::Module {
  explicit TinyNetwork(int64_t hidden = 48) {
    const Random random(7);
    const auto weight = [&](const char* name, int64_t in, int64_t out) {
      return register_parameter(name, random.normal(Purpose::weights, name_hash(name), {0}, {in, out})[0] /
                                          std::sqrt(static_cast<double>(in)));
    };
    first = weight("first", kTinyPixels + 1 + kTinyKinds, hidden);
    second = weight("second", hidden, kTinyPixels);
    bias = register_parameter("bias", torch::zeros({hidden}));
    null_condition = register_parameter("null_condition", torch::zeros({kTinyKinds}));
  }

  Tensor forward(const Tensor& x, const Tensor& label, const Tensor& condition) {
    const Tensor input = torch::cat({x.flatten(1), label.unsqueeze(1), condition}, 1);
    return torch::silu(input.matmul(first) + bias).matmul(second).view_as(x);
  }

  Tensor first, second, bias, null_condition;
};

inline TrainableModel tiny_model(const std::shared_ptr<TinyNetwork>& network) {
  return {network,
          [network](const Tensor& x, const Tensor& label, const Tensor& condition) {
            return network->forward(x, label, condition);
          },
          network->null_condition};
}

/// [8, 3, 4, 4] in [-1, 1].
inline Tensor tiny_pictures() {
  return Random(3).uniform(Purpose::scene, 0, sample_range(0, kTinyKinds), {3, kTinySide, kTinySide}) * 2 - 1;
}

/// Image n of the run shows picture n mod 8; its condition is one-hot.
inline TrainBatch tiny_batch(int64_t first_image, int64_t count) {
  const Tensor kinds = torch::arange(first_image, first_image + count, torch::kInt64) % kTinyKinds;
  return {tiny_pictures().index_select(0, kinds), torch::eye(kTinyKinds).index_select(0, kinds)};
}

inline TrainSetup tiny_setup(const std::string& budget) {
  TrainSetup setup;
  setup.train.budget = budget;
  setup.train.batch_size = 8;
  setup.train.precision = Precision::float32;  // the same on every processor
  setup.train.schedule = {.learning_rate = 1e-2, .warmup_steps = 5};
  setup.train.log_every = 4;
  setup.train.validate_every = 0.3;
  setup.train.checkpoint_seconds = 0;
  setup.train.validation_samples = 16;
  setup.noise_levels = {.mean = 0.0, .std = 1.3};
  setup.seed = 5;
  setup.samples_per_epoch = kTinyKinds;
  setup.identity.config_json = R"({"train":{"batch_size":8,"log_every":4},"network":{"hidden":48}})";
  setup.identity.free_keys = {"train.log_every"};
  return setup;
}

}  // namespace noisescope
