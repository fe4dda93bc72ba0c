// A small model of the demo's form with random weights, once as the program has it and once as a live file; and the
// demo run itself where NOISESCOPE_DEMO_RUN names one.
#pragma once

#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>

#include "noisescope/live/live_model.h"
#include "noisescope/live_export/live_file.h"
#include "noisescope/model/model.h"
#include "noisescope/nn/conditional_network.h"

namespace noisescope {

inline const char* const kLivePrompt = "a red square left of a blue disc on dark";

/// Every weight drawn anew: those that start at zero would hide what they do.
inline void randomise(torch::nn::Module& module, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  uint64_t number = 0;
  for (auto& item : module.named_parameters()) {
    Tensor& weight = item.value();
    const double fan_in =
        weight.dim() > 1 ? static_cast<double>(weight.numel()) / static_cast<double>(weight.size(0)) : 100.0;
    const Tensor noise = Random(seed).normal(Purpose::weights, number++, {0}, {weight.numel()});
    const double centre =
        weight.dim() == 1 && item.key().find("norm") != std::string::npos && item.key().ends_with("weight") ? 1.0 : 0.0;
    weight.copy_(noise.view(weight.sizes()) / std::sqrt(fan_in) + centre);
  }
}

inline UNetOptions small_network() {
  UNetOptions options;
  options.channels = {16, 24};
  options.attention_resolutions = {8};
  options.head_width = 8;
  options.image_size = 32;
  options.embedding_width = 24;
  options.condition_width = 20;
  options.condition_map_channels = 6;
  options.condition_map_size = 8;
  return options;
}

inline ClipModel small_clip(int64_t width) {
  ClipOptions options;
  options.embedding_dim = width;
  options.text.width = 24;
  options.text.heads = 3;
  options.image.image_size = 32;
  const Tokenizer tokenizer = Tokenizer::train({"a red square left of a blue disc on dark",
                                                "a green cross right of a yellow disc on bright", "a grey shape and"},
                                               options.tokenizer);
  return {options, tokenizer, 3};
}

inline Model small_model(const UNetOptions& options = small_network(), Parametrization predicts = Parametrization::x0) {
  const NetworkPtr network = make_network(options);
  randomise(*network, 5);
  const ClipModel clip = small_clip(options.condition_width);
  randomise(clip.module(), 9);
  const Tensor embeddings = Random(2).normal(Purpose::weights, 0, sample_range(0, 40), {options.condition_width});
  ModelOptions model;
  model.network = options;
  model.precondition.parametrization = predicts;
  const TextToImage whole(std::make_shared<ClipModel>(clip), {Whitener::fit(embeddings), nullptr}, network, model);
  SamplingOptions sample;
  sample.grid = {GridKind::karras, 20, 0.1, 40, 7};
  sample.sampler.solver = Solver::dpmpp_2m_sde;
  sample.guidance.scale = 2;
  sample.guidance.sigma_min = 0.7;
  return network_model(whole, "small", sample, 5, World());
}

inline LiveModel live_of(const Model& model, LiveNumbers numbers = LiveNumbers::float32) {
  std::ostringstream file;
  write_safetensors(file, live_file(model, {.numbers = numbers}));
  return LiveModel::read(file.str(), "small");
}

inline std::vector<float> floats_of(const Tensor& tensor) {
  const Tensor values = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + values.numel()};
}

inline Tensor tensor_of(const std::vector<float>& values, torch::IntArrayRef shape) {
  return torch::tensor(values, torch::kFloat32).view(shape);
}

/// Largest difference over the largest magnitude.
inline double relative_difference(const Tensor& a, const Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

}  // namespace noisescope
