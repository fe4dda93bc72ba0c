// Writes what the U-Net answers, for the independent Python reference (tests/nn/unet_oracle.py).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include <torch/csrc/jit/serialization/pickle.h>

#include "noisescope/nn/cost.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/unet.h"

namespace noisescope {
namespace {

using Answers = c10::Dict<std::string, Tensor>;

/// No parameter zero, so that a mistake anywhere shows in the output.
void disturb(UNet& net) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, parameter] : module_state(*net)) {
    const std::vector<int64_t> sizes = parameter.sizes().vec();
    const Tensor noise = Random(6).normal(Purpose::explain, name_hash(name), {0}, sizes);
    parameter.add_(noise.view(sizes), 0.03);
  }
}

void insert_costs(Answers& answers, const UNetOptions& options) {
  const UNetCost cost = unet_cost(options);
  const auto number = [](double value) { return torch::tensor(value, torch::kFloat64); };
  answers.insert("cost.parameters", number(static_cast<double>(cost.parameters)));
  answers.insert("cost.forward_flops", number(cost.forward_flops));
  answers.insert("cost.train_flops", number(cost.train_flops));
  answers.insert("cost.activation_bytes", number(cost.activation_bytes));
}

/// Weights, one batch, its output, and the gradients of sum(output * probe).
Answers answers_of(const UNetOptions& options) {
  UNet net(options, Random(5));
  disturb(net);
  const std::vector<int64_t> samples = {0, 1, 2};
  const Random random(9);
  const std::vector<int64_t> chw = {options.in_channels, options.image_size, options.image_size};
  const Tensor x = random.normal(Purpose::train_noise, 0, samples, chw).set_requires_grad(true);
  const Tensor label = random.normal(Purpose::train_sigma, 0, samples, {}).mul(0.4);
  const Tensor condition = random.normal(Purpose::caption, 0, samples, {options.condition_width});
  const Tensor probe = random.normal(Purpose::train_noise, 1, samples, chw);
  const Tensor output = net(x, label, condition);
  (output * probe).sum().backward();

  Answers answers;
  insert_costs(answers, options);
  answers.insert("x", x.detach());
  answers.insert("noise_label", label);
  answers.insert("condition", condition);
  answers.insert("probe", probe);
  answers.insert("output", output.detach());
  answers.insert("gradient.x", x.grad());
  for (const auto& item : net->named_parameters()) {
    answers.insert("weight." + item.key(), item.value().detach());
    if (item.value().grad().defined()) {
      answers.insert("gradient." + item.key(), item.value().grad());
    }
  }
  return answers;
}

void write(const std::string& path, const Answers& answers) {
  const std::vector<char> bytes = torch::jit::pickle_save(answers);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

TEST(UNetAnswers, AreWrittenForTheReference) {
  const char* asked = std::getenv("NOISESCOPE_ANSWERS");
  const std::string folder = asked != nullptr ? asked : ::testing::TempDir();
  write(folder + "/unet_demo.pt", answers_of({}));

  UNetOptions other;  // the same stand in unet_oracle.py
  other.image_size = 16;
  other.patch = 1;
  other.channels = {24, 32};
  other.blocks_per_level = 2;
  other.attention_resolutions = {16};
  other.head_width = 8;
  other.embedding_width = 40;
  other.condition_width = 10;
  other.condition_map_channels = 6;
  other.condition_map_size = 16;
  write(folder + "/unet_other.pt", answers_of(other));
}

}  // namespace
}  // namespace noisescope
