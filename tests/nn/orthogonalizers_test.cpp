#include "noisescope/nn/orthogonalizers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

Tensor matrices(int64_t count, int64_t rows, int64_t columns) {
  return Random(3).normal(Purpose::weights, 0, sample_range(0, count), {rows, columns}, torch::kFloat64);
}

double phi(double s) { return 3.4445 * s - 4.7750 * std::pow(s, 3) + 2.0315 * std::pow(s, 5); }

/// By singular value decomposition.
Tensor by_singular_values(const Tensor& matrix, int64_t steps) {
  const auto [u, s, vt] = torch::linalg_svd(matrix, /*full_matrices=*/false);
  Tensor sent = s / s.norm();
  for (int64_t i = 0; i < sent.size(0); ++i) {
    double value = sent[i].item<double>();
    for (int64_t step = 0; step < steps; ++step) value = phi(value);
    sent[i] = value;
  }
  return u.matmul(torch::diag(sent)).matmul(vt);
}

Tensor orthogonal_part(const Tensor& some, int64_t steps) {
  return torch::bmm(orthogonalizers(torch::bmm(some, some.mT()), steps), some);
}

class OrthogonalizersOfShape : public ::testing::TestWithParam<std::pair<int64_t, int64_t>> {};
INSTANTIATE_TEST_SUITE_P(Shapes, OrthogonalizersOfShape,
                         ::testing::Values(std::pair{5, 5}, std::pair{4, 9}, std::pair{1, 6}));

TEST_P(OrthogonalizersOfShape, SendSingularValuesThroughTheQuintic) {
  const Tensor some = matrices(3, GetParam().first, GetParam().second);
  for (const int64_t steps : {1, 2, 5}) {
    const Tensor turned = orthogonal_part(some, steps);
    for (int64_t i = 0; i < some.size(0); ++i) {
      EXPECT_TRUE(torch::allclose(turned[i], by_singular_values(some[i], steps), 1e-9, 1e-9)) << steps;
    }
  }
}

TEST(OrthogonalParts, OfTheKernelAreThoseOfTorchsOperators) {
  std::vector<Tensor> tensors;
  for (const std::vector<int64_t>& sizes : std::vector<std::vector<int64_t>>{
           {96, 64, 3, 3}, {32, 30, 3, 3}, {192, 128}, {5, 7}, {40, 3}, {1, 9}, {9, 1}, {33, 33}}) {
    tensors.push_back(Random(4).normal(Purpose::weights, tensors.size(), {0}, sizes)[0]);
  }
  tensors.push_back(tensors[0].contiguous(kChannelsLast));
  tensors.push_back(torch::zeros({8, 16}));
  const std::vector<Tensor> parts = orthogonal_parts(tensors, 0.2), expected = orthogonal_parts_composed(tensors, 0.2);
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(parts[i].sizes(), tensors[i].sizes());
    EXPECT_EQ(parts[i].strides(), tensors[i].strides());
    EXPECT_LT((parts[i] - expected[i]).abs().max().item<double>(), 2e-5) << i;
  }
  EXPECT_LT((parts[8] - parts[0]).abs().max().item<double>(), 2e-5) << "the order in memory decided";
}

TEST(Orthogonalizers, SingularValuesEndNearOneInFloat32) {
  const Tensor turned = orthogonal_part(matrices(4, 32, 288).to(torch::kFloat32) * 1e-6, 5);
  const Tensor s = torch::linalg_svdvals(turned.to(torch::kFloat64));
  EXPECT_GE(s.min().item<double>(), 0.67);
  EXPECT_LE(s.max().item<double>(), 1.21);
}

TEST(Orthogonalizers, AreFiniteForZero) {
  EXPECT_TRUE(orthogonalizers(torch::zeros({2, 3, 3})).isfinite().all().item<bool>());
}

TEST(Orthogonalizers, RefuseWhatIsNoStackOfSquares) {
  EXPECT_THROW(orthogonalizers(torch::ones({3, 3})), ShapeError);
  EXPECT_THROW(orthogonalizers(torch::ones({2, 3, 4})), ShapeError);
}

}  // namespace
}  // namespace noisescope
