#include "noisescope/nn/attention.h"

#include <gtest/gtest.h>

#include "noisescope/core/random.h"
#include "noisescope/nn/blocks.h"
#include "noisescope/nn/tap.h"

namespace noisescope {
namespace {

constexpr double kPathTolerance = 1e-5;  // two float32 summation orders of L products

struct Qkv {
  Tensor q, k, v;
};

Qkv random_qkv(int64_t batch, int64_t heads, int64_t tokens, int64_t width) {
  const auto draw = [&](uint64_t step) {
    return Random(2).normal(Purpose::explain, step, sample_range(0, batch), {heads, tokens, width});
  };
  return {draw(0), draw(1), draw(2)};
}

double output_distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(Attend, ExplicitPathEqualsTheFusedKernel) {
  for (bool causal : {false, true}) {
    for (int64_t tokens : {1, 16, 77}) {
      const auto [q, k, v] = random_qkv(3, 2, tokens, 8);
      const Tensor fused = attend(q, k, v, "a", causal);
      TapRecorder recorder({"a.probs"});
      EXPECT_LT(output_distance(attend(q, k, v, "a", causal), fused), kPathTolerance)
          << tokens << " tokens, causal " << causal;
      EXPECT_EQ(recorder.last("a.probs").sizes(), (std::vector<int64_t>{3, 2, tokens, tokens}));
    }
  }
}

TEST(Attend, GradientsOfThePathsAgree) {
  const auto gradients = [](bool explicit_path) {
    Qkv in = random_qkv(2, 2, 16, 8);
    for (Tensor* tensor : {&in.q, &in.k, &in.v}) tensor->set_requires_grad(true);
    std::unique_ptr<TapRecorder> recorder;
    if (explicit_path) recorder = std::make_unique<TapRecorder>();
    attend(in.q, in.k, in.v, "a").square().sum().backward();
    return std::vector<Tensor>{in.q.grad(), in.k.grad(), in.v.grad()};
  };
  const std::vector<Tensor> fused = gradients(false), explicit_path = gradients(true);
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(output_distance(fused[i], explicit_path[i]), 1e-4) << i;
}

// By hand: one query, two keys with logits 0 and ln 3 after scaling by 1/sqrt(1).
TEST(Attend, HandCalculated) {
  const Tensor q = torch::ones({1, 1, 1, 1});
  const Tensor k = torch::tensor({0.0f, std::log(3.0f)}).view({1, 1, 2, 1});
  const Tensor v = torch::tensor({4.0f, 8.0f}).view({1, 1, 2, 1});
  EXPECT_NEAR(attend(q, k, v, "a").item<float>(), 0.25 * 4 + 0.75 * 8, 1e-6);
  TapRecorder recorder;
  EXPECT_NEAR(attend(q, k, v, "a").item<float>(), 7.0, 1e-6);
}

TEST(Attend, CausalTokensDoNotSeeTheFuture) {
  const auto [q, k, v] = random_qkv(1, 1, 5, 4);
  Tensor changed = v.clone();
  changed.select(2, 4).add_(100);
  const Tensor before = attend(q, k, v, "a", true), after = attend(q, k, changed, "a", true);
  EXPECT_EQ(output_distance(before.narrow(2, 0, 4), after.narrow(2, 0, 4)), 0);
  EXPECT_GT(output_distance(before, after), 1);
}

TEST(Attend, ReplacedProbabilitiesDecideTheOutput) {
  const auto [q, k, v] = random_qkv(1, 2, 6, 4);
  const TapScope uniform(
      [](std::string_view, const Tensor& probs) {
        return torch::full_like(probs, 1.0 / static_cast<double>(probs.size(-1)));
      },
      {"*.probs"});
  const Tensor expected = v.mean(2, true).expand_as(v);
  EXPECT_LT(output_distance(attend(q, k, v, "a"), expected), 1e-6);
}

TEST(PixelAttention, IsEquivariantUnderPermutationsOfPixels) {
  PixelAttention attention(16, 8, "attn");
  initialize_parameters(*attention, Random(1));
  const torch::NoGradGuard no_grad;
  for (const auto& item : attention->named_parameters()) {
    if (item.key() == "out.weight") item.value().copy_(torch::eye(16));
  }
  const Tensor x = Random(2).normal(Purpose::explain, 0, {0, 1}, {16, 4, 4});
  const Tensor order = Random(3).permutation(Purpose::explain, 0, 16);
  const auto shuffle = [&](const Tensor& t) { return t.flatten(2).index_select(2, order).view(t.sizes()); };
  EXPECT_LT(output_distance(attention(shuffle(x)), shuffle(attention(x))), 1e-5);
}

TEST(GroupNorm, FindsAGroupCountForEveryWidth) {
  for (int64_t channels : {4, 12, 17, 32, 96}) {
    const torch::nn::GroupNorm norm = group_norm(channels);
    EXPECT_EQ(channels % norm->options.num_groups(), 0) << channels;
    EXPECT_LE(norm->options.num_groups(), 8) << channels;
  }
  EXPECT_EQ(group_norm(32)->options.num_groups(), 8);
}

}  // namespace
}  // namespace noisescope
