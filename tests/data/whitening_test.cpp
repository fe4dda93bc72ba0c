#include "noisescope/data/whitening.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

constexpr int64_t kRows = 4000;
constexpr int64_t kWidth = 6;

/// Rows with known axes: standard deviation spread[k] along the k-th column of a rotation.
struct Known {
  Tensor rotation;  // [D, D] orthogonal, float64
  Tensor spread;    // [D]
  Tensor mean;      // [D]
  Tensor rows;      // [M, D] whose moments are exactly these
};

Known known_embeddings() {
  const Random random(3);
  Known known;
  known.rotation = std::get<0>(
      torch::linalg_qr(random.normal(Purpose::evaluation, 0, sample_range(0, kWidth), {kWidth}, torch::kFloat64)));
  known.spread = torch::tensor({5.0, 3.0, 2.0, 1.0, 0.1, 0.01}, torch::kFloat64);
  known.mean = torch::linspace(-2, 3, kWidth, torch::kFloat64);
  Tensor raw = random.normal(Purpose::evaluation, 1, sample_range(0, kRows), {kWidth}, torch::kFloat64);
  raw = raw - raw.mean(0);
  const Tensor factor = torch::linalg_cholesky(raw.t().matmul(raw) / kRows);
  const Tensor unit = torch::linalg_solve_triangular(factor, raw.t(), /*upper=*/false).t();
  known.rows = (unit * known.spread).matmul(known.rotation.t()) + known.mean;
  return known;
}

Tensor covariance(const Tensor& rows) {
  const Tensor centred = rows - rows.mean(0);
  return centred.t().matmul(centred) / rows.size(0);
}

double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(Whitening, StatisticsOfKnownMoments) {
  const Known known = known_embeddings();
  const EmbeddingStatistics statistics = embedding_statistics(known.rows);
  EXPECT_LT(distance(statistics.mean, known.mean), 1e-10);
  EXPECT_LT(distance(statistics.eigenvalues, known.spread.square()), 1e-8);
  const Tensor variance = (known.rotation * known.spread.square()).matmul(known.rotation.t());
  EXPECT_LT(distance(statistics.deviation, variance.diagonal().sqrt()), 1e-8);
  const Tensor along = (statistics.eigenvectors * known.rotation).sum(0).abs();
  EXPECT_LT(distance(along, torch::ones({kWidth}, torch::kFloat64)), 1e-6);
  const Tensor peak = statistics.eigenvectors.abs().argmax(0, true);
  EXPECT_TRUE((statistics.eigenvectors.gather(0, peak) > 0).all().item<bool>());
}

TEST(Whitening, SpreadAfterwardsIsShareOfFlooredSpread) {
  const Known known = known_embeddings();
  const Whitener whitener = Whitener::fit(known.rows, {.floor_share = 0.1, .clamp = 1e6});
  const Tensor white = whitener.apply(known.rows).to(torch::kFloat64);
  EXPECT_LT(white.mean(0).abs().max().item<double>(), 1e-5);
  // Along axis k the spread becomes s_k / (s_k + 0.1 s_0): strong directions near 1, weak ones 0.
  const Tensor expected = (known.spread / (known.spread + 0.5)).square();
  const Tensor axes = known.rotation.t().matmul(covariance(white)).matmul(known.rotation);
  EXPECT_LT(distance(axes, expected.diag()), 1e-4);
}

TEST(Whitening, SmallFloorGivesIdentityCovariance) {
  const Known known = known_embeddings();
  const Whitener whitener = Whitener::fit(known.rows, {.floor_share = 1e-6, .clamp = 1e6});
  const Tensor white = whitener.apply(known.rows).to(torch::kFloat64);
  EXPECT_LT(distance(covariance(white), torch::eye(kWidth, torch::kFloat64)), 2e-3);
}

TEST(Whitening, KeepsCoordinates) {
  // Symmetric whitening of uncorrelated coordinates only scales them.
  const Tensor rows = torch::tensor({{3.0, 0.0}, {-3.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}});
  const Tensor matrix = Whitener::fit(rows, {.floor_share = 0.1, .clamp = 4}).matrix();
  const double first = std::sqrt(18.0 / 4), second = std::sqrt(2.0 / 4);
  const Tensor expected = torch::tensor({1 / (1.1 * first), 1 / (second + 0.1 * first)}).diag();
  EXPECT_LT(distance(matrix, expected.to(torch::kFloat32)), 1e-6);
}

TEST(Whitening, ClampsBothSides) {
  const Known known = known_embeddings();
  const Whitener whitener = Whitener::fit(known.rows, {.floor_share = 0.1, .clamp = 0.5});
  const Tensor white = whitener.apply(known.rows);
  EXPECT_FLOAT_EQ(white.max().item<float>(), 0.5f);
  EXPECT_FLOAT_EQ(white.min().item<float>(), -0.5f);
}

TEST(Whitening, EqualEmbeddingsBecomeZero) {
  const Tensor same = torch::ones({5, 4});
  const Whitener whitener = Whitener::fit(same);
  EXPECT_EQ(whitener.apply(same).abs().max().item<float>(), 0.0f);
  EXPECT_EQ(whitener.apply(2 * same).abs().max().item<float>(), 0.0f);
}

TEST(Whitening, GradientPassesToTheEmbedding) {
  const Whitener whitener = Whitener::fit(known_embeddings().rows);
  const Tensor point = whitener.mean().unsqueeze(0).clone().requires_grad_(true);
  whitener.apply(point).sum().backward();
  EXPECT_LT(distance(point.grad()[0], whitener.matrix().sum(0)), 1e-5);
}

TEST(Whitening, SavedAndLoadedIsTheSame) {
  const Known known = known_embeddings();
  const Whitener whitener = Whitener::fit(known.rows);
  TensorFile file;
  whitener.save(file, "text");
  const Whitener again = Whitener::load(file, "text");
  EXPECT_TRUE(torch::equal(again.apply(known.rows), whitener.apply(known.rows)));
  EXPECT_THROW(Whitener::load(file, "image"), ModelError);
  file.tensors["text.matrix"] = torch::eye(kWidth + 1);
  EXPECT_THROW(Whitener::load(file, "text"), ModelError);
}

TEST(Whitening, RefusesWhatItCannotUse) {
  EXPECT_THROW(embedding_statistics(torch::zeros({4})), ShapeError);
  EXPECT_THROW(embedding_statistics(torch::zeros({0, 4})), ShapeError);
  EXPECT_THROW(embedding_statistics(torch::full({2, 2}, NAN)), NumericError);
  EXPECT_THROW(Whitener::fit(torch::rand({3, 2}), {.floor_share = 0}), ValueError);
  EXPECT_THROW(Whitener::fit(torch::eye(3)).apply(torch::zeros({1, 4})), ShapeError);
}

TEST(Whitening, ModalityStandsInTheLastColumn) {
  const Tensor text = append_modality(torch::zeros({2, 3}), Modality::text);
  const Tensor image = append_modality(torch::zeros({2, 3}), Modality::image);
  EXPECT_EQ(text.sizes(), torch::IntArrayRef({2, 4}));
  EXPECT_TRUE((text.select(1, 3) == -1).all().item<bool>());
  EXPECT_TRUE((image.select(1, 3) == 1).all().item<bool>());
  EXPECT_EQ(image.slice(1, 0, 3).abs().max().item<float>(), 0.0f);
}

}  // namespace
}  // namespace noisescope
