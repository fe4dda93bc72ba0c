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
