#include "noisescope/explain/guidance_information.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/schedule.h"

namespace noisescope {
namespace {

std::vector<double> grid(int64_t steps, double low, double high) {
  return sampling_sigmas({GridKind::log_snr, steps, low, high, 7.0});
}

GuidanceOptions both_branches(double scale) {
  GuidanceOptions options;
  options.scale = scale;
  options.clamp = 0;
  options.both_branches = true;
  return options;
}

/// A step whose branches differ by `difference` [B, C, H, W].
SamplerStep step_with(const std::vector<double>& sigmas, size_t i, const Tensor& difference) {
  SamplerStep step;
  step.index = static_cast<int64_t>(i);
  step.count = static_cast<int64_t>(sigmas.size()) - 1;
  step.sigma = sigmas[i];
  step.sigma_next = sigmas[i + 1];
  step.x = torch::zeros_like(difference);
  step.prediction = {difference, difference, torch::zeros_like(difference)};
  return step;
}

/// Feeds exact noisy images of `x0` (fresh noise at each level) with both branches of a denoiser:
/// the setting in which the identity of Kong et al. holds exactly.
GuidanceInformation observe_exact(const Denoiser& denoiser, const Tensor& x0, const Tensor& condition,
                                  const Tensor& null_condition, const std::vector<double>& sigmas) {
  GuidanceInformationObserver observer(both_branches(1));
  const Predictor predict = guide(denoiser, condition, null_condition, both_branches(1));
  const auto ids = sample_range(0, x0.size(0));
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const Tensor sigma = torch::full({x0.size(0)}, sigmas[i], torch::kFloat64);
    const Tensor eps = Random(2).normal(Purpose::explain, i, ids, x0.sizes().slice(1), torch::kFloat64);
    SamplerStep step = step_with(sigmas, i, x0);
    step.x = add_noise(x0, eps, sigma);
    step.prediction = predict(step.x, sigma);
    observer.observe(step);
  }
  return observer.result();
}

/// The mean of `totals` within 4 of its standard errors.
void expect_mean(const Tensor& totals, double expected, const std::string& what) {
  const double error = totals.std().item<double>() / std::sqrt(static_cast<double>(totals.numel()));
  EXPECT_NEAR(totals.mean().item<double>(), expected, 4 * error) << what << ", SE " << error;
}

struct GaussianGuidanceInformation {
  // y moves the two upper pixels; the lower ones know nothing of it.
  GaussianData data{torch::zeros({4}), torch::tensor({0.2, 0.1, 0.3, 0.4}),
                    torch::tensor({{0.8, 0.0}, {-0.3, 0.5}, {0.0, 0.0}, {0.0, 0.0}})};
  int64_t count = 2000;
  Tensor y = Random(1).normal(Purpose::scene, 0, sample_range(0, 2000), {2}, torch::kFloat64);
  Tensor x0 = data.sample(Random(1), Purpose::scene, sample_range(5000, 2000), y).view({count, 1, 2, 2});
  Tensor condition = torch::cat({y, torch::ones({count, 1}, torch::kFloat64)}, 1);
  Tensor null_condition = torch::zeros({count, 3}, torch::kFloat64);
};

// Kong et al. 2024: half the integral of E |eps_c - eps_u|^2 over log-SNR is the mutual
// information.
TEST(GuidanceInformation, EqualsTheMutualInformationOfGaussianData) {
  const GaussianGuidanceInformation c;
  const auto sigmas = grid(150, 0.01, 50);
  const GuidanceInformation info = observe_exact(c.data.denoiser(), c.x0, c.condition, c.null_condition, sigmas);
  EXPECT_EQ(info.unit, InformationUnit::nats);
  EXPECT_DOUBLE_EQ(info.covered_share, 1.0);
  expect_mean(info.total(), c.data.information(0.01) - c.data.information(50), "total");
  // All of it lies in the two pixels that y moves.
  EXPECT_LT(info.map.select(1, 1).abs().max().item<double>(), 1e-12);
}

TEST(GuidanceInformation, ProfileEqualsTheInformationBetweenNoiseLevels) {
  const GaussianGuidanceInformation c;
  const auto sigmas = grid(151, 0.01, 50);
  const GuidanceInformation info = observe_exact(c.data.denoiser(), c.x0, c.condition, c.null_condition, sigmas);
  for (const auto& [first, last] : {std::pair{0, 50}, {50, 75}, {75, 100}, {100, 151}}) {
    const double from = sigma_of_log_snr(info.cells[static_cast<size_t>(first)].begin);
    const double to = sigma_of_log_snr(info.cells[static_cast<size_t>(last) - 1].end);
    expect_mean(info.profile.slice(0, first, last).sum(0), c.data.information(to) - c.data.information(from),
                "cells to " + std::to_string(last));
  }
  const double half = (c.data.information(0.01) + c.data.information(50)) / 2;
  const double sigma = sigma_of_log_snr(info.mean_half_point());
  EXPECT_NEAR(c.data.information(sigma), half, 0.03);
}

/// K blobs so far apart that the picture names its component.
struct BlobGuidanceInformation {
  static constexpr int64_t kComponents = 5;
  GaussianMixture data{torch::eye(kComponents, 8) * 3.0, torch::full({kComponents, 8}, 0.02)};
  int64_t count = 600;
  Tensor components = torch::arange(count) % kComponents;
  Tensor x0 = data.sample(Random(1), Purpose::scene, sample_range(0, count), components).view({count, 2, 2, 2});
  Tensor condition = torch::eye(kComponents, torch::kFloat64).index_select(0, components);
  Tensor null_condition = torch::ones({count, kComponents}, torch::kFloat64);
};

TEST(GuidanceInformation, OfSeparatedComponentsIsLnK) {
  const BlobGuidanceInformation c;
  const GuidanceInformation info =
      observe_exact(c.data.denoiser(), c.x0, c.condition, c.null_condition, grid(150, 0.05, 100));
  expect_mean(info.total(), std::log(5.0), "total");
}

TEST(GuidanceInformation, AlongAStochasticSamplingRunIsLnK) {
  const BlobGuidanceInformation c;
  const NoiseSource noise{Random(3), sample_range(0, c.count)};
  const auto sigmas = grid(200, 0.05, 60);
  for (const double eta : {0.0, 1.0}) {
    SamplerOptions ddim;
    ddim.solver = Solver::ddim;
    ddim.eta = eta;
    GuidanceInformationObserver observer(both_branches(1));
    run_sampler(guide(c.data.denoiser(), c.condition, c.null_condition, both_branches(1)),
                noise.initial({2, 2, 2}, torch::kFloat64) * sigmas[0] + c.x0, {sigmas, ddim, noise},
                observer.observer());
    const GuidanceInformation info = observer.result();
    EXPECT_EQ(info.unit, InformationUnit::nats);
    expect_mean(info.total(), std::log(5.0), "eta " + std::to_string(eta));
  }
}

// The observer reads a run and asks nothing: two evaluations a step and picture, those of the run.
TEST(GuidanceInformation, AsksNoEvaluationBeyondThoseOfTheRun) {
  const GaussianMixture data(torch::eye(2, 4), torch::ones({2, 4}));
  int64_t evaluations = 0;
  const Denoiser counting = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    evaluations += x.size(0);
    return data.denoiser()(x, sigma, condition);
  };
  const Tensor condition = torch::eye(2, torch::kDouble), null = torch::ones({2, 2}, torch::kDouble);
  GuidanceInformationObserver observer(both_branches(1));
  const std::vector<double> sigmas = grid(6, 0.1, 40);
  const NoiseSource noise{Random(1), sample_range(0, 2)};
  run_sampler(guide(counting, condition, null, both_branches(1)), noise.initial({1, 2, 2}, torch::kFloat64) * sigmas[0],
              {sigmas, {.solver = Solver::ddim}, noise}, observer.observer());
  EXPECT_EQ(evaluations, 2 * 2 * static_cast<int64_t>(sigmas.size() - 1));
  EXPECT_TRUE(observer.result().map.isfinite().all().item<bool>());
}

TEST(GuidanceInformation, IsTheTrapezoidRuleOverLogSnr) {
  const std::vector<double> sigmas = {8, 3, 1, 0.4, 0};
  GuidanceInformationObserver observer(both_branches(1));
  const Tensor difference = Random(1).normal(Purpose::explain, 0, {0, 1}, {3, 2, 2}, torch::kFloat64);
  Tensor expected = torch::zeros({2, 2, 2}, torch::kFloat64);
  for (size_t i = 0; i < 4; ++i) {
    observer.observe(step_with(sigmas, i, difference * static_cast<double>(i + 1)));
    const Tensor rate = (difference * static_cast<double>(i + 1) / sigmas[i]).square().sum(1) / 2;
    if (i > 0) expected += rate * std::log(sigmas[i - 1] / sigmas[i]);
    if (i < 3) expected += rate * std::log(sigmas[i] / sigmas[i + 1]);
  }
  const GuidanceInformation info = observer.result();
  EXPECT_TRUE(torch::allclose(info.map, expected));
  EXPECT_TRUE(torch::allclose(info.total(), expected.sum({1, 2})));
  EXPECT_TRUE(torch::allclose(info.level_shares().sum(0), torch::ones({2}, torch::kFloat64)));
  EXPECT_NEAR(info.mean_level_shares().sum().item<double>(), 1, 1e-12);
  EXPECT_NEAR(info.cells.front().begin, -2 * std::log(8.0), 1e-12);
  EXPECT_NEAR(info.cells.back().end, -2 * std::log(0.4), 1e-12);
  const Tensor density = (difference * 2 / 3.0).square().sum({1, 2, 3}) / 2;
  EXPECT_TRUE(torch::allclose(info.density()[1], density));
}

TEST(GuidanceInformation, HalfPointOfAConstantRateIsTheMiddle) {
  const std::vector<double> sigmas = grid(41, std::exp(-3.0), std::exp(2.0));
  GuidanceInformationObserver observer(both_branches(1));
  const Tensor ones = torch::ones({2, 1, 2, 2}, torch::kFloat64);
  ones[1].zero_();  // the second image is told nothing by its prompt
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    observer.observe(step_with(sigmas, i, ones * sigmas[i]));
  }
  const GuidanceInformation info = observer.result();
  EXPECT_NEAR(info.half_points()[0].item<double>(), 1.0, 1e-9);  // middle of [-4, 6]
  EXPECT_NEAR(info.mean_half_point(), 1.0, 1e-9);
  EXPECT_TRUE(std::isnan(info.half_points()[1].item<double>()));
  EXPECT_EQ(info.level_shares().select(1, 1).abs().max().item<double>(), 0);
}

TEST(GuidanceInformation, CountsTheShareOfTheRangeThatHadBothBranches) {
  GuidanceOptions options;
  options.scale = 2;
  options.clamp = 0;
  options.sigma_min = 0.5;
  options.sigma_max = 5;
  const BlobGuidanceInformation c;
  const NoiseSource noise{Random(3), sample_range(0, c.count)};
  const auto sigmas = grid(400, 0.05, 50);
  GuidanceInformationObserver observer(options);
  run_sampler(guide(c.data.denoiser(), c.condition, c.null_condition, options),
              noise.initial({2, 2, 2}, torch::kFloat64) * sigmas[0], {sigmas, {}, noise}, observer.observer());
  const GuidanceInformation info = observer.result();
  EXPECT_EQ(info.unit, InformationUnit::guidance_energy);
  EXPECT_NEAR(info.covered_share, 1.0 / 3, 0.01);  // one decade of three
  EXPECT_GT(info.total().mean().item<double>(), 0);
  for (size_t i = 0; i < info.cells.size(); ++i) {
    const bool inside = sigmas[i] >= 0.5 && sigmas[i] <= 5;
    EXPECT_EQ(info.cells[i].covered, inside) << i;
    EXPECT_EQ(info.profile[static_cast<int64_t>(i)].abs().max().item<double>() > 0, inside) << i;
  }
}

TEST(GuidanceInformation, IsInNatsOnlyAtScaleOneWithBothBranchesEverywhere) {
  const std::vector<double> sigmas = {4, 1, 0};
  const Tensor one = torch::ones({1, 1, 1, 1});
  const auto unit = [&](double scale, bool second_covered) {
    GuidanceInformationObserver observer(both_branches(scale));
    observer.observe(step_with(sigmas, 0, one));
    SamplerStep last = step_with(sigmas, 1, one);
    if (!second_covered) last.prediction.unconditional = Tensor();
    observer.observe(last);
    return observer.result().unit;
  };
  EXPECT_EQ(unit(1, true), InformationUnit::nats);
  EXPECT_EQ(unit(1, false), InformationUnit::guidance_energy);
  EXPECT_EQ(unit(2, true), InformationUnit::guidance_energy);
  EXPECT_EQ(unit(0, true), InformationUnit::guidance_energy);
}

TEST(GuidanceInformation, RegionsShareTheMap) {
  const std::vector<double> sigmas = {4, 1, 0.3, 0};
  const Tensor left = torch::tensor({{1.0, 0.0}, {1.0, 0.0}});
  const Tensor half = torch::full({2, 2}, 0.5);
  const Tensor masks = torch::stack({left, 1 - left, half}).repeat({3, 1, 1, 1});
  GuidanceInformationObserver observer(both_branches(1), masks);
  for (size_t i = 0; i < 3; ++i) {
    observer.observe(
        step_with(sigmas, i, Random(1).normal(Purpose::explain, i, {0, 1, 2}, {2, 2, 2}, torch::kFloat64)));
  }
  const GuidanceInformation info = observer.result();
  ASSERT_EQ(info.regions.sizes(), (std::vector<int64_t>{3, 3, 3}));
  EXPECT_TRUE(torch::allclose(info.regions.select(2, 0) + info.regions.select(2, 1), info.profile));
  EXPECT_TRUE(torch::allclose(info.regions.select(2, 2), info.profile / 2));
  const Tensor shares = info.region_shares();
  EXPECT_TRUE(torch::allclose(shares, region_shares(info.map, masks)));
  const Tensor left_share = info.map.select(2, 0).sum(1) / info.map.sum({1, 2});
  EXPECT_TRUE(torch::allclose(shares.select(1, 0), left_share));
}

TEST(GuidanceInformation, ImageKOfABatchEqualsImageKAlone) {
  const BlobGuidanceInformation c;
  const auto sigmas = grid(20, 0.05, 50);
  const auto observe = [&](const std::vector<int64_t>& ids) {
    const NoiseSource noise{Random(3), ids};
    const Tensor rows = torch::tensor(ids);
    GuidanceInformationObserver observer(both_branches(1));
    run_sampler(guide(c.data.denoiser(), c.condition.index_select(0, rows), c.null_condition.index_select(0, rows),
                      both_branches(1)),
                noise.initial({2, 2, 2}, torch::kFloat64) * sigmas[0], {sigmas, {}, noise}, observer.observer());
    return observer.result();
  };
  const GuidanceInformation batch = observe({4, 1, 7});
  const GuidanceInformation alone = observe({1});
  EXPECT_TRUE(torch::allclose(batch.map[1], alone.map[0], 1e-10, 1e-12));
}

TEST(GuidanceInformation, RefusesBadInput) {
  GuidanceInformationObserver empty(both_branches(1));
  EXPECT_THROW(empty.result(), ValueError);
  const Tensor one = torch::ones({1, 1, 2, 2});
  EXPECT_THROW(GuidanceInformationObserver(both_branches(1), torch::ones({2, 2})), ShapeError);
  GuidanceInformationObserver masked(both_branches(1), torch::ones({1, 1, 3, 3}));
  EXPECT_THROW(masked.observe(step_with({4, 1, 0}, 0, one)), ShapeError);
  GuidanceInformationObserver plain(both_branches(1));
  plain.observe(step_with({4, 1, 0}, 0, one));
  EXPECT_THROW(plain.result().region_shares(), ValueError);
  EXPECT_THROW(region_shares(one[0], torch::ones({1, 2, 3, 3})), ShapeError);
}

}  // namespace
}  // namespace noisescope
