#include "noisescope/nn/precision.h"

#include <gtest/gtest.h>

#include <torch/csrc/autograd/autograd.h>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/options.h"
#include "noisescope/nn/unet.h"

namespace noisescope {
namespace {

Tensor precise_normal(uint64_t step, const std::vector<int64_t>& sizes) {
  return Random(12).normal(Purpose::explain, step, {0}, sizes)[0];
}

/// The demo's network, none of whose weights is zero.
UNet disturbed_unet() {
  UNet net(UNetOptions{}, Random(0));
  const torch::NoGradGuard no_grad;
  for (const auto& item : net->named_parameters()) {
    item.value().add_(precise_normal(name_hash(item.key()), item.value().sizes().vec()), 0.03);
  }
  return net;
}

/// Output of a batch of 4, and the gradients of the sum of its squares.
struct Pass {
  Tensor output;
  std::vector<Tensor> gradients;
};
Pass pass(UNet& net, Precision precision) {
  Pass result;
  {
    const PrecisionScope scope(precision, torch::kCPU);
    result.output = net(precise_normal(1, {4, 3, 32, 32}), precise_normal(2, {4}) * 0.3, precise_normal(3, {4, 128}));
  }
  std::vector<Tensor> weights;
  for (const auto& item : net->named_parameters()) {
    if (item.key() != "null_condition") weights.push_back(item.value());
  }
  result.gradients = torch::autograd::grad({result.output.square().sum()}, weights);
  return result;
}

double relative_off(const Tensor& value, const Tensor& truth) {
  return ((value - truth).norm() / truth.norm()).item<double>();
}

TEST(Precision, Bfloat16MovesANetworkByItsRoundingAndLeavesFloat32Outside) {
  UNet net = disturbed_unet();
  const Pass exact = pass(net, Precision::float32), half = pass(net, Precision::bfloat16);
  EXPECT_EQ(half.output.scalar_type(), torch::kFloat32);
  EXPECT_GT(relative_off(half.output, exact.output), 1e-4);  // it was computed in other numbers
  EXPECT_LT(relative_off(half.output, exact.output), 0.02);
  for (size_t i = 0; i < exact.gradients.size(); ++i) {
    EXPECT_EQ(half.gradients[i].scalar_type(), torch::kFloat32) << i;
    EXPECT_LT(relative_off(half.gradients[i], exact.gradients[i]), 0.05) << i;
  }
  const Pass again = pass(net, Precision::float32);
  EXPECT_TRUE(torch::equal(again.output, exact.output));
}

TEST(Precision, ScopesNestAndEnd) {
  const Tensor a = torch::ones({2, 2});
  const auto type = [&] { return torch::mm(a, a).scalar_type(); };
  {
    const PrecisionScope outer(Precision::bfloat16, torch::kCPU);
    EXPECT_EQ(type(), torch::kBFloat16);
    {
      const PrecisionScope inner(Precision::float32, torch::kCPU);
      EXPECT_EQ(type(), torch::kFloat32);
    }
    EXPECT_EQ(type(), torch::kBFloat16);
  }
  EXPECT_EQ(type(), torch::kFloat32);
}

TEST(Precision, AutoIsWhatTheMachineIsGoodAtAndOthersAreObeyed) {
  const Precision here = has_bfloat16_matrix_units() ? Precision::bfloat16 : Precision::float32;
  EXPECT_EQ(chosen_precision(Precision::automatic, torch::kCPU), here);
  EXPECT_EQ(chosen_precision(Precision::automatic, torch::kCUDA), Precision::float32);
  EXPECT_EQ(chosen_precision(Precision::bfloat16, torch::kCPU), Precision::bfloat16);
  EXPECT_EQ(chosen_precision(Precision::float32, torch::kCPU), Precision::float32);
  EXPECT_THROW(chosen_precision(Precision::bfloat16, torch::kMeta), ValueError);
  EXPECT_EQ(parse_enum<Precision>("auto"), Precision::automatic);
}

TEST(Precision, MatrixUnitsAreNotUsedWhereTheUserForbidsThem) {
  setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE", 1);
  EXPECT_FALSE(has_bfloat16_matrix_units());
  unsetenv("ONEDNN_MAX_CPU_ISA");
}

}  // namespace
}  // namespace noisescope
