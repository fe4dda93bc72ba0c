#include "noisescope/nn/norm_film_silu.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>

#include <torch/csrc/autograd/autograd.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/nn/blocks.h"
#include "noisescope/nn/norm_kernels.h"

namespace noisescope {
namespace {

Tensor normal(uint64_t step, const std::vector<int64_t>& sizes) {
  return Random(8).normal(Purpose::explain, step, {0}, sizes, torch::kFloat64)[0];
}

torch::nn::GroupNorm disturbed_norm(int64_t channels) {
  torch::nn::GroupNorm norm = group_norm(channels);
  norm->to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  norm->weight.add_(normal(1, {channels}), 0.3);
  norm->bias.add_(normal(2, {channels}), 0.3);
  return norm;
}

/// y and the gradients of sum(y * probe) by x, weight, bias and film.
std::vector<Tensor> answers(const Tensor& x, torch::nn::GroupNorm& norm, const Tensor& film, bool fused,
                            torch::ScalarType probes = torch::kFloat32) {
  const Tensor own = x.clone().set_requires_grad(true);
  const Tensor map = film.defined() ? film.clone().set_requires_grad(true) : film;
  const Tensor y = fused ? norm_film_silu(own, norm, map) : norm_film_silu_composed(own, norm, map);
  std::vector<Tensor> inputs = {own, norm->weight, norm->bias};
  if (map.defined()) inputs.push_back(map);
  const Tensor probe = normal(9, y.sizes().vec()).to(probes).to(y.dtype());
  std::vector<Tensor> out = torch::autograd::grad({y}, inputs, {probe});
  out.insert(out.begin(), y.detach());
  return out;
}

/// Largest difference relative to the largest value.
double off(const Tensor& value, const Tensor& truth) {
  return ((value.to(torch::kFloat64) - truth).abs().max() / truth.abs().max()).item<double>();
}

struct Case {
  std::vector<int64_t> x, film;  // film: [h, w]; empty: none
};

class NormFilmSilu : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Shapes, NormFilmSilu,
                         ::testing::Values(Case{{3, 32, 16, 16}, {}}, Case{{3, 32, 16, 16}, {8, 8}},
                                           Case{{2, 96, 4, 4}, {4, 4}}, Case{{5, 24, 6, 10}, {1, 1}},
                                           Case{{2, 20, 7, 5}, {}}, Case{{2, 20, 6, 9}, {4, 4}},
                                           Case{{1, 3, 2, 4}, {2, 2}}, Case{{4, 64, 1, 1}, {1, 1}}));

TEST_P(NormFilmSilu, EqualsTorchsOperatorsInDoublePrecision) {
  const Case& c = GetParam();
  torch::nn::GroupNorm norm = disturbed_norm(c.x[1]);
  const Tensor x = normal(3, c.x) * 2 + 1;
  const Tensor film = c.film.empty() ? Tensor() : normal(4, {c.x[0], 2 * c.x[1], c.film[0], c.film[1]}) * 0.5;
  const std::vector<Tensor> truth = answers(x, norm, film, false);
  norm->to(torch::kFloat32);
  const std::vector<Tensor> fused =
      answers(x.to(torch::kFloat32), norm, film.defined() ? film.to(torch::kFloat32) : film, true);
  ASSERT_EQ(fused.size(), truth.size());
  for (size_t i = 0; i < truth.size(); ++i) EXPECT_LT(off(fused[i], truth[i]), 1e-5) << "output " << i;
}

/// bfloat16 rounds to 2^-8; what stays in float32 (gradients by weight, bias and film) does not.
TEST_P(NormFilmSilu, InBfloat16RoundsWhatItWritesAlone) {
  const Case& c = GetParam();
  torch::nn::GroupNorm norm = disturbed_norm(c.x[1]);
  const Tensor x = (normal(3, c.x) * 2 + 1).to(torch::kBFloat16);
  const Tensor film = c.film.empty() ? Tensor() : normal(4, {c.x[0], 2 * c.x[1], c.film[0], c.film[1]}) * 0.5;
  const std::vector<Tensor> truth = answers(x.to(torch::kFloat64), norm, film, false, torch::kBFloat16);
  norm->to(torch::kFloat32);
  const std::vector<Tensor> fused = answers(x, norm, film.defined() ? film.to(torch::kFloat32) : film, true);
  ASSERT_EQ(fused.size(), truth.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    EXPECT_EQ(fused[i].scalar_type(), i < 2 ? torch::kBFloat16 : torch::kFloat32) << "output " << i;
    EXPECT_LT(off(fused[i], truth[i]), i < 2 ? 1.01 / 256 : 1e-5) << "output " << i;
  }
}

TEST(NormFilmSiluOperator, WidensAndNarrowsBfloat16AsTorchDoes) {
  const float inf = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();
  const Tensor special = torch::tensor({0.0f, -0.0f, inf, -inf, most, -most, 1.00390625f, 1.01171875f, 1e-40f});
  const Tensor values = torch::cat({special, normal(5, {1000}).to(torch::kFloat32) * 1e3});
  const Tensor halves = values.to(torch::kBFloat16);
  std::vector<uint16_t> narrowed(static_cast<size_t>(values.numel()));
  narrow(values.data_ptr<float>(), narrowed.data(), values.numel());
  EXPECT_EQ(std::memcmp(narrowed.data(), halves.data_ptr(), narrowed.size() * 2), 0);
  Tensor widened = torch::empty_like(values);
  widen(narrowed.data(), widened.data_ptr<float>(), values.numel());
  EXPECT_TRUE(torch::equal(widened, halves.to(torch::kFloat32)));
  const float nan = std::bit_cast<float>(0x7fffffffu);  // rounding would carry it into -0
  narrow(&nan, narrowed.data(), 1);
  EXPECT_EQ(narrowed[0], 0x7fc0);
}

TEST(NormFilmSiluOperator, IsFiniteWhereTheSigmoidIsFull) {
  torch::nn::GroupNorm norm = group_norm(8);
  const Tensor film = torch::full({1, 16, 1, 1}, 100.0);
  const std::vector<Tensor> fused = answers(normal(5, {1, 8, 4, 4}).to(torch::kFloat32), norm, film, true);
  const std::vector<Tensor> negative = answers(normal(5, {1, 8, 4, 4}).to(torch::kFloat32), norm, -film, true);
  for (const Tensor& value : fused) EXPECT_TRUE(value.isfinite().all().item<bool>());
  for (const Tensor& value : negative) EXPECT_TRUE(value.isfinite().all().item<bool>());
}

TEST(NormFilmSiluOperator, ASampleOfABatchEqualsItAlone) {
  torch::nn::GroupNorm norm = group_norm(32);
  const Tensor x = normal(6, {5, 32, 8, 8}).to(torch::kFloat32), film = normal(7, {5, 64, 4, 4}).to(torch::kFloat32);
  const Tensor together = norm_film_silu(x, norm, film);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(torch::equal(norm_film_silu(x.narrow(0, i, 1), norm, film.narrow(0, i, 1)), together.narrow(0, i, 1)));
  }
}

TEST(NormFilmSiluOperator, RefusesASecondDerivativeAndAFilmOfOtherShape) {
  torch::nn::GroupNorm norm = group_norm(8);
  const Tensor x = torch::ones({2, 8, 4, 4}).set_requires_grad(true);
  const Tensor y = norm_film_silu(x, norm);
  EXPECT_THROW(torch::autograd::grad({y.sum()}, {x}, {}, {}, /*create_graph=*/true), ValueError);
  EXPECT_THROW(norm_film_silu(x, norm, torch::ones({2, 8, 4, 4})), ShapeError);
  EXPECT_THROW(norm_film_silu(x, norm, torch::ones({1, 16, 4, 4})), ShapeError);
}

}  // namespace
}  // namespace noisescope
