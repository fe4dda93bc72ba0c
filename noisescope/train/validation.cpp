#include "noisescope/train/validation.h"

#include <algorithm>
#include <cmath>

#include <torch/nn/module.h>

namespace noisescope::train {
namespace {

constexpr int kBins = 12;
constexpr double kSigmaMin = 0.02;
constexpr double kSigmaMax = 40;
constexpr int64_t kBatch = 64;

/// Sum of the losses of one batch at `sigma`.
double loss_sum(double sigma, const Network& network, const ValidationSetup& setup, const TrainBatch& batch,
                const Tensor& noise) {
  const Tensor level = torch::full({batch.images.size(0)}, sigma, batch.images.options());
  return diffusion_loss(network, setup.precondition, setup.loss, {batch.images, level, noise, batch.conditions})
      .sum(torch::kFloat64)
      .item<double>();
}

}  // namespace

std::vector<double> validation_sigmas() {
  std::vector<double> sigmas;
  for (int i = 0; i < kBins; ++i) {
    sigmas.push_back(kSigmaMin * std::pow(kSigmaMax / kSigmaMin, i / (kBins - 1.0)));
  }
  return sigmas;
}

std::vector<ValidationBin> validation_losses(const Network& network, const BatchSource& source,
                                             const ValidationSetup& setup, const Control& control) {
  const torch::NoGradGuard no_grad;
  const Random random(setup.seed);
  std::vector<ValidationBin> bins;
  for (const double sigma : validation_sigmas()) bins.push_back({sigma, 0});
  for (int64_t first = 0; first < setup.samples; first += kBatch) {
    const int64_t count = std::min(kBatch, setup.samples - first);
    TrainBatch batch = source(first, count);
    batch = {batch.images.to(setup.device), batch.conditions.to(setup.device)};
    const Tensor noise =
        random.normal(Purpose::validation, 0, sample_range(first, count), batch.images.sizes().slice(1))
            .to(setup.device);
    for (ValidationBin& bin : bins) {
      control.throw_if_stopped("train.validation_losses");
      bin.loss += loss_sum(bin.sigma, network, setup, batch, noise) / static_cast<double>(setup.samples);
    }
  }
  return bins;
}

WeightsInPlace::WeightsInPlace(torch::nn::Module& module, const NamedTensors& weights)
    : module_(module), was_training_(module.is_training()) {
  for (const auto& [name, value] : module_state(module)) own_[name] = value.clone();
  load_module_state(module, weights, "averaged weights");
  module_.eval();
}

WeightsInPlace::~WeightsInPlace() {
  load_module_state(module_, own_, "the module's own weights");
  module_.train(was_training_);
}

}  // namespace noisescope::train
