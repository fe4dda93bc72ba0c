#include "noisescope/explain/posterior_uncertainty.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"

namespace noisescope {
namespace {

struct GaussianPosteriorUncertainty {
  Tensor root = Random(5).normal(Purpose::scene, 0, {0}, {12, 12}, torch::kDouble)[0];
  Tensor covariance = root.matmul(root.t()) / 12 + 0.01 * torch::eye(12, torch::kDouble);
  GaussianData data{torch::zeros({12}, torch::kDouble), covariance};
  Tensor x = Random(6).normal(Purpose::scene, 0, {0, 1}, {3, 2, 2}, torch::kDouble);
  Tensor sigma = torch::tensor({0.7, 2.0}, torch::kDouble);
  Tensor condition = torch::zeros({2, 1}, torch::kDouble);

  PosteriorComponents components(const UncertaintyOptions& options) const {
    return posterior_components({data.denoiser(), condition}, {x, sigma}, options, {Random(1), {0, 1}});
  }
  /// Eigenvalues, rising, and eigenvectors of S sigma^2 (S + sigma^2)^-1.
  std::tuple<Tensor, Tensor> exact(int64_t b) const {
    const Tensor s2 = sigma[b].square() * torch::eye(12, torch::kDouble);
    const Tensor posterior = covariance.matmul(s2).matmul(torch::linalg_inv(covariance + s2));
    return torch::linalg_eigh((posterior + posterior.t()) / 2);
  }
};

// Manor & Michaeli 2024 on linear-Gaussian data: Cov[x_0 | x] = S sigma^2 (S + sigma^2 I)^-1.
TEST(PosteriorComponents, AreThoseOfTheGaussianPosterior) {
  const GaussianPosteriorUncertainty c;
  const PosteriorComponents found = c.components({.components = 3, .iterations = 300});
  for (int64_t b = 0; b < 2; ++b) {
    const auto [values, vectors] = c.exact(b);
    for (int64_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(found.variances[k][b].item<double>(), values[11 - k].item<double>(), 1e-8);
      const Tensor along = found.directions[k][b].flatten().dot(vectors.select(1, 11 - k));
      EXPECT_NEAR(std::abs(along.item<double>()), 1, 1e-6);
    }
  }
}

TEST(PosteriorComponents, AreOrthonormal) {
  const PosteriorComponents found = GaussianPosteriorUncertainty().components({.components = 4, .iterations = 3});
  const Tensor v = found.directions.flatten(2).permute({1, 0, 2});
  EXPECT_LT((v.matmul(v.transpose(1, 2)) - torch::eye(4, torch::kDouble)).abs().max().item<double>(), 1e-10);
}

TEST(PosteriorComponents, CostIsWhatTheOptionsSay) {
  const GaussianPosteriorUncertainty c;
  int64_t evaluations = 0;
  const Denoiser counted = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    evaluations += x.size(0);
    return c.data.denoiser()(x, sigma, condition);
  };
  const UncertaintyOptions options{.components = 2, .iterations = 7, .pass_size = 3};
  posterior_components({counted, c.condition}, {c.x, c.sigma}, options, {Random(1), {0, 1}});
  EXPECT_EQ(evaluations, 2 * options.cost());
}

TEST(PosteriorComponents, RefusesMoreComponentsThanPixels) {
  EXPECT_THROW(GaussianPosteriorUncertainty().components({.components = 13}), ValueError);
  EXPECT_THROW(GaussianPosteriorUncertainty().components({.iterations = 0}), ValueError);
}

}  // namespace
}  // namespace noisescope
