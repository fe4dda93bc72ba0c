// Solvers on closed forms: order of convergence, and moments of the stochastic ones.
#include "noisescope/diffusion/analytic.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/schedule.h"
#include "tests/diffusion/sampler_table.h"

namespace noisescope {
namespace {

using test::sampler_named;
using test::unguided;

constexpr double kSigmaMax = 20.0;
constexpr double kSigmaMin = 0.02;

std::vector<double> grid(GridKind type, int64_t steps) {
  return sampling_sigmas({type, steps, kSigmaMin, kSigmaMax, 7.0});
}

/// Correlated data of four numbers, each image [1, 2, 2].
GaussianData gaussian() {
  const Tensor mean = torch::tensor({0.3, -0.2, 0.5, 0.0}, torch::kFloat64);
  const Tensor root = torch::tensor(
      {{0.8, 0.0, 0.0, 0.0}, {0.3, 0.5, 0.0, 0.0}, {-0.2, 0.1, 0.4, 0.0}, {0.1, 0.2, -0.3, 0.3}}, torch::kFloat64);
  return {mean, root.matmul(root.t())};
}

GaussianMixture mixture() {
  const Tensor means =
      torch::tensor({{0.7, -0.3, 0.2, 0.5}, {-0.6, 0.4, 0.1, -0.5}, {0.1, 0.8, -0.7, 0.0}}, torch::kFloat64);
  const Tensor variances =
      torch::tensor({{0.05, 0.1, 0.08, 0.2}, {0.15, 0.05, 0.1, 0.1}, {0.1, 0.1, 0.3, 0.05}}, torch::kFloat64);
  return {means, variances};
}

Tensor mixture_prior(int64_t rows) { return torch::tensor({0.5, 0.3, 0.2}, torch::kFloat64).repeat({rows, 1}); }

/// Runge-Kutta 4 in ln sigma on dx / d ln sigma = x - D, fine enough to be called exact.
Tensor reference_flow(const Denoiser& denoiser, Tensor x, const Tensor& condition) {
  constexpr int kSteps = 2000;
  const double h = std::log(kSigmaMin / kSigmaMax) / kSteps;
  const auto slope = [&](const Tensor& at, double log_sigma) {
    const Tensor sigma = torch::full({at.size(0)}, std::exp(log_sigma), torch::kFloat64);
    return at - denoiser(at, sigma, condition);
  };
  for (int i = 0; i < kSteps; ++i) {
    const double level = std::log(kSigmaMax) + i * h;
    const Tensor k1 = slope(x, level);
    const Tensor k2 = slope(x + k1 * (h / 2), level + h / 2);
    const Tensor k3 = slope(x + k2 * (h / 2), level + h / 2);
    const Tensor k4 = slope(x + k3 * h, level + h);
    x = x + (k1 + 2 * k2 + 2 * k3 + k4) * (h / 6);
  }
  return x;
}

/// Observed order: log2 of the error's fall when the number of steps doubles. Every solver ends
/// with the same first-order step from sigma_min to 0, so the exact end is D of the exact
/// x(sigma_min).
double observed_order(const Denoiser& denoiser, const Tensor& start, const Tensor& exact_at_min,
                      const Tensor& condition, const std::string& sampler, GridKind type) {
  const int64_t batch = start.size(0);
  const Tensor exact = denoiser(exact_at_min, torch::full({batch}, kSigmaMin, torch::kFloat64), condition);
  const auto error = [&](int64_t steps) {
    const Tensor out =
        run_sampler(unguided(denoiser, condition), start, {grid(type, steps), sampler_named(sampler), {}});
    return (out - exact).norm().item<double>();
  };
  return std::log2(error(160) / error(320));
}

struct Expected {
  const char* sampler;
  double order;
  double tolerance;
};

constexpr Expected kOrders[] = {{"euler", 1, 0.15}, {"ddim_0.0", 1, 0.15}, {"heun", 2, 0.2}, {"dpmpp_2m", 2, 0.2}};

Tensor starts(int64_t count) {
  return Random(4).normal(Purpose::initial_noise, 0, sample_range(0, count), {1, 2, 2}, torch::kFloat64) * kSigmaMax;
}

TEST(Convergence, OrderOnGaussianData) {
  const GaussianData data = gaussian();
  const Tensor x = starts(16);
  const Tensor nothing = torch::zeros({16, 1}, torch::kFloat64);
  const Tensor exact = data.flow(x, kSigmaMax, kSigmaMin, nothing);
  for (const auto& [sampler, order, tolerance] : kOrders) {
    for (const GridKind type : {GridKind::log_snr, GridKind::karras}) {
      EXPECT_NEAR(observed_order(data.denoiser(), x, exact, nothing, sampler, type), order, tolerance)
          << sampler << " on " << to_string(type);
    }
  }
}

TEST(Convergence, OrderOnAMixture) {
  const GaussianMixture data = mixture();
  const Tensor x = starts(16);
  const Tensor exact = reference_flow(data.denoiser(), x, mixture_prior(16));
  for (const auto& [sampler, order, tolerance] : kOrders) {
    for (const GridKind type : {GridKind::log_snr, GridKind::karras}) {
      EXPECT_NEAR(observed_order(data.denoiser(), x, exact, mixture_prior(16), sampler, type), order, tolerance)
          << sampler << " on " << to_string(type);
    }
  }
}

TEST(Convergence, GaussianFlowSolvesTheOde) {
  const GaussianData data = gaussian();
  const Tensor nothing = torch::zeros({16, 1}, torch::kFloat64);
  const Tensor closed = data.flow(starts(16), kSigmaMax, kSigmaMin, nothing);
  const Tensor integrated = reference_flow(data.denoiser(), starts(16), nothing);
  EXPECT_LT((closed - integrated).abs().max().item<double>(), 1e-8);
}

/// Every entry of mean and covariance of `rows` [n, N] within 4 of its own standard errors.
void expect_moments(const Tensor& rows, const Tensor& mean, const Tensor& covariance, const std::string& name) {
  const double root_n = std::sqrt(static_cast<double>(rows.size(0)));
  const Tensor mean_error = (rows.mean(0) - mean).abs() / (rows.std(0) / root_n);
  EXPECT_LT(mean_error.max().item<double>(), 4) << name << ": mean";
  const Tensor centred = rows - mean;
  const Tensor products = centred.unsqueeze(2) * centred.unsqueeze(1);  // [n, N, N]
  const Tensor error = (products.mean(0) - covariance).abs() / (products.std(0) / root_n);
  EXPECT_LT(error.max().item<double>(), 4) << name << ": covariance";
}

constexpr const char* kStochastic[] = {"ddpm_posterior", "ddpm_upper", "ddim_0.5",
                                       "ddim_1.0",       "heun_churn", "dpmpp_2m_sde"};

/// First-order samplers of the reverse SDE need many steps before their bias is below the noise.
constexpr int64_t kMomentSteps = 300;
constexpr int64_t kMomentSamples = 3000;

Tensor end_of_run(const Denoiser& denoiser, const Tensor& condition, const std::string& sampler, const Tensor& x0) {
  const NoiseSource noise{Random(6), sample_range(0, kMomentSamples)};
  const Tensor x = x0.view({-1, 1, 2, 2}) + noise.initial({1, 2, 2}, torch::kFloat64) * kSigmaMax;
  return run_sampler(unguided(denoiser, condition), x,
                     {grid(GridKind::log_snr, kMomentSteps), sampler_named(sampler), noise})
      .flatten(1);
}

TEST(Moments, StochasticSamplersOnGaussianData) {
  const GaussianData data = gaussian();
  const auto ids = sample_range(0, kMomentSamples);
  const Tensor x0 = data.sample(Random(8), Purpose::scene, ids);
  expect_moments(x0, data.mean(), data.covariance(), "exact samples");
  for (const char* name : kStochastic) {
    const Tensor out = end_of_run(data.denoiser(), torch::zeros({kMomentSamples, 1}), name, x0);
    expect_moments(out, data.mean(), data.covariance(), name);
  }
}

TEST(Moments, StochasticSamplersOnAMixture) {
  const GaussianMixture data = mixture();
  const auto ids = sample_range(0, kMomentSamples);
  const Tensor u = Random(8).uniform(Purpose::evaluation, 0, ids, {}, torch::kFloat64);
  const Tensor components = (u >= 0.5).to(torch::kInt64) + (u >= 0.8).to(torch::kInt64);
  const Tensor x0 = data.sample(Random(8), Purpose::scene, ids, components);
  // Mean and covariance of the mixture from those of its parts.
  const Tensor weights = torch::tensor({0.5, 0.3, 0.2}, torch::kFloat64);
  const Tensor means =
      torch::tensor({{0.7, -0.3, 0.2, 0.5}, {-0.6, 0.4, 0.1, -0.5}, {0.1, 0.8, -0.7, 0.0}}, torch::kFloat64);
  const Tensor variances =
      torch::tensor({{0.05, 0.1, 0.08, 0.2}, {0.15, 0.05, 0.1, 0.1}, {0.1, 0.1, 0.3, 0.05}}, torch::kFloat64);
  const Tensor mean = weights.matmul(means);
  const Tensor spread = means - mean;
  const Tensor covariance = torch::diag(weights.matmul(variances)) + (spread * weights.unsqueeze(1)).t().matmul(spread);
  expect_moments(x0, mean, covariance, "exact samples");
  for (const char* name : kStochastic) {
    expect_moments(end_of_run(data.denoiser(), mixture_prior(kMomentSamples), name, x0), mean, covariance, name);
  }
}

TEST(Analytic, GaussianDenoiserOfADiagonalIsShrinkage) {
  const Tensor variance = torch::tensor({1.0, 4.0}, torch::kFloat64);
  const GaussianData data(torch::zeros({2}, torch::kFloat64), variance);
  const Tensor x = torch::tensor({3.0, 5.0}, torch::kFloat64).view({1, 1, 1, 2});
  const Tensor sigma = torch::tensor({2.0}, torch::kFloat64);
  const Tensor out = data.denoiser()(x, sigma, torch::zeros({1, 1}));
  EXPECT_NEAR(out[0][0][0][0].item<double>(), 3.0 / 5, 1e-14);
  EXPECT_NEAR(out[0][0][0][1].item<double>(), 5.0 * 4 / 8, 1e-14);
}

/// The score of the mixture by finite differences of its log density (Tweedie's formula).
TEST(Analytic, MixtureDenoiserIsTweedieOfItsDensity) {
  const GaussianMixture data = mixture();
  const Tensor x = starts(5) / 10;
  const Tensor sigma = torch::tensor({0.1, 0.3, 1.0, 3.0, 0.5}, torch::kFloat64);
  const Tensor condition = mixture_prior(5);
  const Tensor score = score_from_x0(x, data.denoiser()(x, sigma, condition), sigma).flatten(1);
  constexpr double kDelta = 1e-5;
  for (int64_t j = 0; j < 4; ++j) {
    const Tensor shift = torch::zeros({1, 1, 2, 2}, torch::kFloat64);
    shift.view({-1})[j] = kDelta;
    const Tensor slope =
        (data.log_density(x + shift, sigma, condition) - data.log_density(x - shift, sigma, condition)) / (2 * kDelta);
    EXPECT_LT((slope - score.select(1, j)).abs().max().item<double>(), 1e-6) << j;
  }
}

TEST(Analytic, OneComponentMixtureIsTheGaussian) {
  const Tensor mean = torch::tensor({0.1, -0.4, 0.2, 0.3}, torch::kFloat64);
  const Tensor variance = torch::tensor({0.2, 0.5, 0.1, 0.9}, torch::kFloat64);
  const GaussianMixture one(mean.unsqueeze(0), variance.unsqueeze(0));
  const GaussianData same(mean, variance);
  const Tensor sigma = torch::full({7}, 0.6, torch::kFloat64);
  const Tensor x = starts(7) / 20;
  EXPECT_TRUE(
      torch::allclose(one.denoiser()(x, sigma, torch::ones({7, 1})), same.denoiser()(x, sigma, torch::ones({7, 1}))));
}

TEST(Analytic, AOneHotConditionNamesAComponent) {
  const GaussianMixture data = mixture();
  const Tensor one_hot = torch::tensor({{0.0, 1.0, 0.0}}, torch::kFloat64);
  const Tensor sigma = torch::tensor({0.5}, torch::kFloat64);
  const Tensor x = starts(1) / 20;
  EXPECT_TRUE(torch::equal(data.posterior(x, sigma, one_hot), one_hot));
  // Weights count by their ratios.
  EXPECT_TRUE(
      torch::allclose(data.posterior(x, sigma, mixture_prior(1)), data.posterior(x, sigma, 7 * mixture_prior(1))));
}

TEST(Analytic, RevealingYMovesTheMeanAndShrinksTheCovariance) {
  const Tensor map = torch::tensor({{1.0}, {0.5}}, torch::kFloat64);
  const GaussianData data(torch::zeros({2}, torch::kFloat64), torch::tensor({0.1, 0.1}, torch::kFloat64), map);
  const Tensor x = torch::tensor({0.7, -0.3}, torch::kFloat64).view({1, 1, 1, 2});
  const Tensor sigma = torch::tensor({1.0}, torch::kFloat64);
  const auto denoised = [&](double y, double known) {
    return data.denoiser()(x, sigma, torch::tensor({{y, known}}, torch::kFloat64)).flatten();
  };
  const Tensor mean = torch::tensor({2.0, 1.0}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(denoised(2, 1), mean + (x.flatten() - mean) * (0.1 / 1.1)));
  const Tensor full = torch::eye(2, torch::kFloat64) * 0.1 + map.matmul(map.t());
  const Tensor gain = full.matmul(torch::linalg_inv(full + torch::eye(2, torch::kFloat64)));
  EXPECT_TRUE(torch::allclose(denoised(2, 0), gain.matmul(x.flatten())));
  EXPECT_TRUE(torch::equal(denoised(2, 0), denoised(-5, 0)));
  EXPECT_NEAR(data.information(0), std::log(1 + 1.25 / 0.1) / 2, 1e-12);
  EXPECT_NEAR(data.information(1), std::log(1 + 1.25 / 1.1) / 2, 1e-12);
}

// x_0 given y is N(m + A y, S): two draws that differ in y alone differ by A times the difference.
TEST(Analytic, SamplesGivenYLieAroundTheirMean) {
  const Tensor mean = torch::tensor({0.4, -0.2}, torch::kFloat64);
  const Tensor map = torch::tensor({{1.0}, {0.5}}, torch::kFloat64);
  const GaussianData data(mean, torch::tensor({0.1, 0.1}, torch::kFloat64), map);
  const auto drawn = [&](double y) {
    return data.sample(Random(3), Purpose::evaluation, sample_range(0, 4000), torch::full({4000, 1}, y));
  };
  const Tensor expected = torch::tensor({3.0, 1.5}, torch::kFloat64).expand({4000, 2});
  EXPECT_TRUE(torch::allclose(drawn(2) - drawn(-1), expected));
  const double error = std::sqrt(0.1 / 4000);
  EXPECT_LT((drawn(2).mean(0) - (mean + 2 * map.squeeze(1))).abs().max().item<double>(), 4 * error);
}

TEST(Analytic, RefusesTablesThatDoNotFit) {
  const Tensor mean = torch::zeros({2});
  EXPECT_THROW(GaussianData(mean, torch::ones({3})), ShapeError);
  EXPECT_THROW(GaussianData(mean, torch::eye(3)), ShapeError);
  EXPECT_THROW(GaussianData(mean, torch::tensor({1.0, 0.0})), ValueError);
  EXPECT_THROW(GaussianData(mean, torch::ones({2}), torch::ones({3, 1})), ShapeError);
  EXPECT_THROW(GaussianMixture(torch::zeros({2, 3}), torch::ones({2, 2})), ShapeError);
  EXPECT_THROW(GaussianMixture(torch::zeros({2, 3}), torch::zeros({2, 3})), ValueError);
  const Tensor x = torch::zeros({2, 1, 1, 2});
  const Tensor sigma = torch::ones({2});
  EXPECT_THROW(mixture().denoiser()(x, sigma, torch::ones({2, 3})), ShapeError);
  EXPECT_THROW(mixture().denoiser()(starts(2), sigma, torch::ones({2, 2})), ShapeError);
  EXPECT_THROW(gaussian().denoiser()(x, sigma, torch::ones({2, 2})), ShapeError);
}

}  // namespace
}  // namespace noisescope
