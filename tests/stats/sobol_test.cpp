#include "noisescope/stats/sobol.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

/// The design on `function` of uniform inputs [N, K].
template <class Function>
SobolIndices indices_of(const Function& function, int64_t players, int64_t count, uint64_t seed) {
  const auto draw = [&](uint64_t step) {
    return Random(seed).uniform(Purpose::explain, step, sample_range(0, count), {players}, torch::kDouble);
  };
  const Tensor a = draw(0), b = draw(1);
  std::vector<Tensor> mixed;
  for (int64_t k = 0; k < players; ++k) {
    Tensor x = a.clone();
    x.select(1, k).copy_(b.select(1, k));
    mixed.push_back(function(x));
  }
  return sobol_indices(function(a), function(b), torch::stack(mixed));
}

// Ishigami & Homma 1990 with a = 7, b = 0.1; indices in closed form (Saltelli et al. 2008, section 4.5).
Tensor ishigami(const Tensor& uniform) {
  const Tensor x = (2 * uniform - 1) * std::numbers::pi;
  const Tensor s = x.sin();
  return (s.select(1, 0) + 7 * s.select(1, 1).square() + 0.1 * x.select(1, 2).pow(4) * s.select(1, 0)).unsqueeze(1);
}

struct IshigamiTruth {
  Tensor first, total;
  IshigamiTruth() {
    const double pi4 = std::pow(std::numbers::pi, 4), pi8 = pi4 * pi4;
    const double v1 = 0.5 * std::pow(1 + 0.1 * pi4 / 5, 2), v2 = 49.0 / 8;
    const double v13 = 0.01 * pi8 * (1.0 / 18 - 1.0 / 50), v = v1 + v2 + v13;
    first = torch::tensor({v1 / v, v2 / v, 0.0}, torch::kDouble).unsqueeze(1);
    total = torch::tensor({(v1 + v13) / v, v2 / v, v13 / v}, torch::kDouble).unsqueeze(1);
  }
};

TEST(Sobol, IshigamiFunction) {
  const IshigamiTruth truth;
  const SobolIndices indices = indices_of(ishigami, 3, 100000, 1);
  EXPECT_LT((indices.first - truth.first).abs().max().item<double>(), 0.01) << indices.first;
  EXPECT_LT((indices.total - truth.total).abs().max().item<double>(), 0.01) << indices.total;
}

TEST(Sobol, ErrorsAreThoseOfRepetition) {
  const IshigamiTruth truth;
  std::vector<Tensor> first, total, first_z, total_z;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const SobolIndices i = indices_of(ishigami, 3, 1000, seed);
    first_z.push_back((i.first - truth.first) / i.first_error);
    total_z.push_back((i.total - truth.total) / i.total_error);
  }
  for (const auto& z : {torch::stack(first_z), torch::stack(total_z)}) {
    const Tensor covered = (z.abs() < 1.96).to(torch::kDouble).mean(0);
    // Binomial standard error .011 about .95.
    EXPECT_GT(covered.min().item<double>(), 0.91) << covered;
    EXPECT_LT(covered.max().item<double>(), 0.98) << covered;
  }
}

TEST(Sobol, AllOrNothingIsExact) {
  const auto last = [](const Tensor& x) { return x.select(1, 1).exp().unsqueeze(1); };
  const SobolIndices indices = indices_of(last, 2, 50, 3);
  const Tensor expected = torch::tensor({0.0, 1.0}, torch::kDouble).unsqueeze(1);
  EXPECT_TRUE(torch::allclose(indices.first, expected, 0, 1e-12)) << indices.first;
  EXPECT_TRUE(torch::allclose(indices.total, expected, 0, 1e-12)) << indices.total;
}

TEST(Sobol, DoesNotDependOnScaleAndOffset) {
  const auto scaled = [](const Tensor& x) { return 1e3 + 5 * ishigami(x); };
  const SobolIndices one = indices_of(ishigami, 3, 200, 4), other = indices_of(scaled, 3, 200, 4);
  EXPECT_TRUE(torch::allclose(one.first, other.first, 1e-8, 1e-8));
  EXPECT_TRUE(torch::allclose(one.total_error, other.total_error, 1e-8, 1e-8));
}

TEST(Sobol, AFunctionThatDoesNotVaryHasNone) {
  const auto constant = [](const Tensor& x) { return torch::ones({x.size(0), 1}, torch::kDouble); };
  EXPECT_TRUE(indices_of(constant, 2, 20, 5).first.isnan().all().item<bool>());
}

TEST(Sobol, RefusesWhatDoesNotFit) {
  const Tensor a = torch::zeros({4, 2}), mixed = torch::zeros({3, 4, 2});
  EXPECT_THROW(sobol_indices(a, torch::zeros({5, 2}), mixed), ShapeError);
  EXPECT_THROW(sobol_indices(a, a, torch::zeros({3, 4, 1})), ShapeError);
  EXPECT_THROW(sobol_indices(a.slice(0, 0, 1), a.slice(0, 0, 1), mixed.slice(1, 0, 1)), ValueError);
}

}  // namespace
}  // namespace noisescope
