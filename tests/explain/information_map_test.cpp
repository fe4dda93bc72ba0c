#include "noisescope/explain/information_map.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

/// y moves the two upper pixels of a 2x2 picture; the lower ones know nothing of it.
struct GaussianInformationMap {
  GaussianData data{torch::zeros({4}), torch::tensor({0.2, 0.1, 0.3, 0.4}),
                    torch::tensor({{0.8, 0.0}, {-0.3, 0.5}, {0.0, 0.0}, {0.0, 0.0}})};
  int64_t count = 400;
  std::vector<int64_t> ids = sample_range(0, count);
  Tensor y = Random(1).normal(Purpose::scene, 0, ids, {2}, torch::kDouble);
  Tensor pictures = data.sample(Random(1), Purpose::scene, sample_range(5000, count), y).view({count, 1, 2, 2});
  Tensor condition = torch::cat({y, torch::ones({count, 1}, torch::kDouble)}, 1);
  Tensor null_condition = torch::zeros({1, count, 3}, torch::kDouble);
  InformationOptions options{.draws = 40, .log_snr_min = -8, .log_snr_max = 9};

  InformationMaps maps(const Denoiser& denoiser) const {
    return information_maps({denoiser, condition}, {pictures, {Random(2), ids}}, null_condition, options);
  }
};

void expect_mean(const Tensor& values, double expected) {
  const double error = values.std().item<double>() / std::sqrt(double(values.numel()));
  EXPECT_NEAR(values.mean().item<double>(), expected, 4 * error) << "SE " << error;
}

// Kong et al. 2024; the pixels that y does not move get nothing.
TEST(InformationMaps, TotalIsTheMutualInformationOfGaussianData) {
  const GaussianInformationMap c;
  const InformationMaps maps = c.maps(c.data.denoiser());
  const double exact = c.data.information(sigma_of_log_snr(9)) - c.data.information(sigma_of_log_snr(-8));
  expect_mean(maps.total()[0], exact);
  expect_mean(maps.signed_total()[0], exact);
  EXPECT_LT(maps.map.select(2, 1).abs().max().item<double>(), 1e-12);
  EXPECT_GT(maps.map.select(2, 0).min().item<double>(), 0);
}

TEST(InformationMaps, ProfileIsTheInformationOfEachCell) {
  const GaussianInformationMap c;
  const InformationMaps maps = c.maps(c.data.denoiser());
  for (size_t l = 0; l + 1 < maps.edges.size(); ++l) {
    const double exact =
        c.data.information(sigma_of_log_snr(maps.edges[l + 1])) - c.data.information(sigma_of_log_snr(maps.edges[l]));
    expect_mean(maps.profile[0][static_cast<int64_t>(l)], exact);
  }
  EXPECT_LT((maps.profile.sum(1) - maps.total()).abs().max().item<double>(), 1e-10);
}

// Kong et al. 2023: the signed form is the pointwise ln p(x | y) - ln p(x), picture by picture
// (up to what lies beyond the ends of the integral and the draws' noise).
TEST(InformationMaps, SignedTotalIsPointwise) {
  const GaussianMixture data(torch::eye(3, 8) * 0.8, torch::full({3, 8}, 0.15));
  const int64_t count = 60;
  const Tensor own = torch::arange(count) % 3;
  const auto ids = sample_range(0, count);
  const Tensor pictures = data.sample(Random(1), Purpose::scene, ids, own).view({count, 2, 2, 2});
  const Tensor condition = torch::eye(3, torch::kDouble).index_select(0, own);
  const Tensor prior = torch::ones({count, 3}, torch::kDouble);
  const InformationOptions options{.draws = 4000, .log_snr_min = -8, .log_snr_max = 9};
  const Tensor total =
      information_maps({data.denoiser(), condition}, {pictures, {Random(2), ids}}, prior.unsqueeze(0), options)
          .signed_total()[0];
  const Tensor zero = torch::zeros({count}, torch::kDouble);
  const Tensor exact = data.log_density(pictures, zero, condition) - data.log_density(pictures, zero, prior);
  EXPECT_GT(torch::corrcoef(torch::stack({total, exact}))[0][1].item<double>(), 0.9);
  expect_mean(total - exact, 0);
  EXPECT_LT(exact.min().item<double>(), 0);  // some pictures speak against their own component
}

TEST(InformationMaps, KappaIsOneForExactDenoisers) {
  const GaussianInformationMap c;
  const InformationMaps maps = c.maps(c.data.denoiser());
  const Tensor z = ((maps.kappa - 1) / maps.kappa_error).abs();
  EXPECT_LT(z.max().item<double>(), 4);
  EXPECT_LT(maps.kappa_error.min().item<double>(), 0.1);
}

// A network that overstates what the condition adds by c has kappa = 1 / c, exactly where the exact
// one has 1, and signed = (2 kappa - 1) information.
TEST(InformationMaps, KappaFindsOverstatement) {
  const GaussianInformationMap c;
  const Denoiser exact = c.data.denoiser();
  const Denoiser loud = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor null = exact(x, sigma, torch::zeros_like(condition));
    return null + 2.5 * (exact(x, sigma, condition) - null);
  };
  const InformationMaps honest = c.maps(exact), maps = c.maps(loud);
  // The proposal depends on the shape of the profile alone, so both share all draws.
  EXPECT_LT((maps.kappa * 2.5 - honest.kappa).abs().max().item<double>(), 1e-9);
  const Tensor expected = (2 * maps.kappa - 1).unsqueeze(2) * maps.profile;
  EXPECT_LT((maps.signed_profile.sum(2) - expected.sum(2)).abs().max().item<double>(), 1e-9);
  EXPECT_NEAR((maps.total().mean() / honest.total().mean()).item<double>(), 6.25, 1e-9);
}

TEST(InformationMaps, ReferencesShareDrawsAndStandAlone) {
  const GaussianInformationMap c;
  const Tensor same = c.condition.unsqueeze(0);
  const InformationMaps both = information_maps({c.data.denoiser(), c.condition}, {c.pictures, {Random(2), c.ids}},
                                                torch::cat({c.null_condition, same}), c.options);
  EXPECT_EQ(both.map[1].abs().max().item<double>(), 0);  // the full condition adds nothing to itself
  EXPECT_TRUE(both.kappa[1].isnan().all().item<bool>());
  EXPECT_LT((both.map[0] - c.maps(c.data.denoiser()).map[0]).abs().max().item<double>(), 1e-10);
}

TEST(InformationMaps, RefusesBadOptionsAndShapes) {
  GaussianInformationMap c;
  EXPECT_THROW(information_maps({c.data.denoiser(), c.condition}, {c.pictures, {Random(2), c.ids}},
                                torch::zeros({1, 3, 3}), c.options),
               ShapeError);
  c.options.draws = 0;
  EXPECT_THROW(c.maps(c.data.denoiser()), ValueError);
}

}  // namespace
}  // namespace noisescope
