#include "noisescope/explain/calibration.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// Three known pictures of 12 numbers, shown with noise of deviation `extra` that the model does not know of. Without
/// it the model's kernels are exact, so what it claims is Bayes' rule.
struct KnownVersions {
  int64_t count = 300;
  double extra = 0;
  uint64_t seed = 1;

  Evidence evidence(const StepWeight& weight = {}) const {
    const Tensor versions = Random(9).normal(Purpose::scene, 0, {0, 1, 2}, {3, 2, 2}, torch::kDouble);
    const Tensor own = torch::arange(count) % 3;
    const Tensor surprise = Random(seed).normal(Purpose::scene, 1, sample_range(0, count), {3, 2, 2}, torch::kDouble);
    const Denoiser known = [](const Tensor& x, const Tensor&, const Tensor& condition) { return condition.view_as(x); };
    const Contrast contrast{versions.flatten(1).unsqueeze(1).expand({3, count, 12}), own, weight};
    return filter_noising_paths(
        known, {versions.index_select(0, own) + extra * surprise, {Random(seed), sample_range(0, count)}}, contrast,
        {.steps = 30, .log_snr_max = 3});
  }
};

/// The evidence as claimed by a model that takes that of step n for `factor(share of the way)` times what it is.
Evidence with_claims(Evidence evidence, const std::function<double(double)>& factor) {
  const Tensor steps = evidence.claimed.diff(1, 0);
  std::vector<double> factors;
  for (int64_t n = 0; n < steps.size(0); ++n) factors.push_back(factor((double(n) + 0.5) / double(steps.size(0))));
  const Tensor sum = (torch::tensor(factors, torch::kDouble).view({-1, 1, 1}) * steps).cumsum(0);
  const Tensor prior = evidence.claimed.slice(0, 0, 1);
  evidence.claimed = torch::cat({prior, (prior + sum).log_softmax(2)});
  return evidence;
}

TEST(Calibration, OfExactEvidenceIsOne) {
  const Calibration c = fit_calibration({KnownVersions{}.evidence()});
  for (const double log_snr : {-5.0, -3.0, -1.0}) {
    EXPECT_NEAR(c.fitted_at(log_snr), 1, 3 * c.error_at(log_snr)) << log_snr;
    EXPECT_LT(c.error_at(log_snr), 0.2) << log_snr;
  }
  EXPECT_EQ(c.questions, 300);
  EXPECT_FALSE(c.is_needed());
  EXPECT_EQ(c.weight_at(-3), 1);
}

// Evidence at f times its worth asks for weights of 1 / f: to the little that the prior on the weights moves.
TEST(Calibration, RecoversAPlantedScale) {
  const Evidence exact = KnownVersions{}.evidence();
  const Calibration one = fit_calibration({exact});
  for (const double factor : {0.5, 2.0}) {
    const Calibration c = fit_calibration({with_claims(exact, [&](double) { return factor; })});
    for (const double log_snr : {-5.0, -3.0, -1.0}) {
      EXPECT_NEAR(factor * c.fitted_at(log_snr), one.fitted_at(log_snr), 0.03) << log_snr;
    }
    EXPECT_TRUE(c.is_needed());  // by pictures that had no part in the fit
    EXPECT_EQ(c.weight_at(-3), c.fitted_at(-3));
  }
}

TEST(Calibration, RecoversWeightsThatDependOnTheLevel) {
  const auto weight = [](double share) { return 1.6 - 1.2 * share; };
  const Evidence claims = with_claims(KnownVersions{}.evidence(), [&](double share) { return 1 / weight(share); });
  const Calibration c = fit_calibration({claims});
  EXPECT_NEAR(c.noisy, 1.6, 3 * c.error_at(-8));
  EXPECT_NEAR(c.fitted_at(-2.5), 1.0, 3 * c.error_at(-2.5));
  EXPECT_LT(c.error_at(-2.5), 0.2);
}

// What the model takes for N(y, sigma^2) is N(y, sigma^2 + extra^2), so a step at sigma is worth
// (sigma^2 / (sigma^2 + extra^2))^2 of what it claims: less and less towards clean levels.
TEST(Calibration, FindsOverconfidenceAtCleanLevels) {
  const KnownVersions surprised{.extra = 1.5};
  const Calibration c = fit_calibration({surprised.evidence()});
  EXPECT_LT(c.clean, 0.1);
  EXPECT_GT(c.noisy, c.clean);
  EXPECT_TRUE(c.is_needed());
}

// The 95 % interval holds the truth of exact evidence in most of 60 small samples.
TEST(Calibration, IntervalsHoldTheTruth) {
  int held = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Calibration c = fit_calibration({KnownVersions{.count = 60, .seed = 100 + seed}.evidence()});
    held += std::abs(c.fitted_at(-3) - 1) <= 1.96 * c.error_at(-3);
  }
  EXPECT_GE(held, 51);  // 57 are expected; below 51 with a chance of 1 %
}

TEST(Calibration, ReliabilityIsThatOfTheProbabilities) {
  const Evidence exact = KnownVersions{}.evidence();
  for (const ReliabilityBin& bin : fit_calibration({exact}).as_claimed) {
    EXPECT_LE(bin.low, bin.share);
    EXPECT_LE(bin.share, bin.high);
    if (bin.claims < 200) continue;
    EXPECT_NEAR(bin.claimed, bin.share, 3 * (bin.high - bin.low) / 3.92);
  }
  const Calibration doubled = fit_calibration({with_claims(exact, [](double) { return 2.0; })});
  const ReliabilityBin &claimed = doubled.as_claimed[8], &mended = doubled.calibrated[8];  // claims of .8 to .9
  EXPECT_GT(claimed.claimed - claimed.share, 2 * (mended.claimed - mended.share));
  EXPECT_GT(claimed.claimed, claimed.high);
}

TEST(Calibration, OfAModelThatDoesNotHearTheWordIsFinite) {
  const Tensor own = torch::arange(12) % 2;
  const Denoiser deaf = [](const Tensor& x, const Tensor&, const Tensor&) { return torch::zeros_like(x); };
  const Evidence e =
      filter_noising_paths(deaf, {torch::ones({12, 1, 2, 2}, torch::kDouble), {Random(1), sample_range(0, 12)}},
                           {torch::zeros({2, 12, 1}, torch::kDouble), own}, {.steps = 5});
  const Calibration c = fit_calibration({e});
  EXPECT_NEAR(c.noisy, 1, 1e-6);
  EXPECT_NEAR(c.clean, 1, 1e-6);
}

TEST(Calibration, RefusesTooFewPicturesAndOtherLevels) {
  EXPECT_THROW(fit_calibration({KnownVersions{.count = 7}.evidence()}), ValueError);
  EXPECT_THROW(fit_calibration({}), ValueError);
  Evidence other = KnownVersions{.count = 9}.evidence();
  other.log_snrs.back() += 0.1;
  EXPECT_THROW(fit_calibration({KnownVersions{.count = 9}.evidence(), other}), ValueError);
}

// Kernels of variance v / w: the log-likelihoods times w, in the posterior and in both maps.
TEST(Calibration, WeighsPosteriorAndMaps) {
  const KnownVersions world{.count = 6};
  const Evidence plain = world.evidence(), halved = world.evidence([](double) { return 0.5; });
  EXPECT_TRUE(torch::equal(plain.claimed, plain.log_posterior));
  const Tensor expected = (0.5 * plain.claimed).log_softmax(2);
  // versions drop out at 1e-5 of either account
  EXPECT_LT((halved.log_posterior.exp() - expected.exp()).abs().max().item<double>(), 0.01);
  EXPECT_LT((halved.claimed.exp() - plain.claimed.exp()).abs().max().item<double>(), 1e-4);
  EXPECT_LT(halved.completeness_gap().abs().max().item<double>(), 1e-10);
  EXPECT_NEAR(halved.profile[0].sum().item<double>(), 0.5 * plain.profile[0].sum().item<double>(), 1e-12);
  EXPECT_TRUE(torch::equal(
      halved.as_claimed().decision(),
      halved.claimed.exp().gather(2, halved.true_version.view({1, -1, 1}).expand({31, -1, 1})).squeeze(2)));
}

TEST(Calibration, StepWeightIsLinearBetweenItsEnds) {
  Calibration c;
  c.log_snr_max = 2;
  c.noisy = 1.5;
  c.clean = 0.5;
  c.gain = {0.1, 0.05, 0.15};
  const StepWeight weight = step_weight(c, {.calibrated = true});
  EXPECT_DOUBLE_EQ(weight(-9), 1.5);
  EXPECT_DOUBLE_EQ(weight(-3), 1.0);
  EXPECT_DOUBLE_EQ(weight(4), 0.5);
  c.gain.low = 0;
  EXPECT_EQ(step_weight(c, {.calibrated = true})(-9), 1);
  EXPECT_FALSE(step_weight(c, {}));
  EXPECT_FALSE(step_weight(std::nullopt, {.calibrated = true}));
}

}  // namespace
}  // namespace noisescope
