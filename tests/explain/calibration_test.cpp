#include "noisescope/explain/calibration.h"

#include <cmath>
#include <string>

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

/// Of words of no known kind.
Calibration fitted(const Evidence& evidence) { return fit_calibration({{"", evidence}}); }

double weight_of(const Calibration& c, double log_snr, const std::string& kind = "") {
  return c.fitted_at(log_snr, c.weights_of(kind));
}

double error_of(const Calibration& c, double log_snr) { return c.error_at(log_snr, c.common); }

TEST(Calibration, OfExactEvidenceIsOne) {
  const Calibration c = fitted(KnownVersions{}.evidence());
  for (const double log_snr : {-5.0, -3.0, -1.0}) {
    EXPECT_NEAR(weight_of(c, log_snr), 1, 3 * error_of(c, log_snr)) << log_snr;
    EXPECT_LT(error_of(c, log_snr), 0.2) << log_snr;
  }
  EXPECT_EQ(c.common.questions, 300);
  EXPECT_FALSE(c.is_needed());
  EXPECT_EQ(c.weight_at(-3, ""), 1);
}

// Evidence at f times its worth asks for weights of 1 / f: to the little that the prior on the weights moves.
TEST(Calibration, RecoversAPlantedScale) {
  const Evidence exact = KnownVersions{}.evidence();
  const Calibration one = fitted(exact);
  for (const double factor : {0.5, 2.0}) {
    const Calibration c = fitted(with_claims(exact, [&](double) { return factor; }));
    for (const double log_snr : {-5.0, -3.0, -1.0}) {
      EXPECT_NEAR(factor * weight_of(c, log_snr), weight_of(one, log_snr), 0.03) << log_snr;
    }
    EXPECT_TRUE(c.is_needed());  // by pictures that had no part in the fit
    EXPECT_EQ(c.weight_at(-3, ""), weight_of(c, -3));
  }
}

TEST(Calibration, RecoversWeightsThatDependOnTheLevel) {
  const auto weight = [](double share) { return 1.6 - 1.2 * share; };
  const Evidence claims = with_claims(KnownVersions{}.evidence(), [&](double share) { return 1 / weight(share); });
  const Calibration c = fitted(claims);
  EXPECT_NEAR(c.common.noisy, 1.6, 3 * error_of(c, -8));
  EXPECT_NEAR(weight_of(c, -2.5), 1.0, 3 * error_of(c, -2.5));
  EXPECT_LT(error_of(c, -2.5), 0.2);
}

// What the model takes for N(y, sigma^2) is N(y, sigma^2 + extra^2), so a step at sigma is worth
// (sigma^2 / (sigma^2 + extra^2))^2 of what it claims: less and less towards clean levels.
TEST(Calibration, FindsOverconfidenceAtCleanLevels) {
  const KnownVersions surprised{.extra = 1.5};
  const Calibration c = fitted(surprised.evidence());
  EXPECT_LT(c.common.clean, 0.1);
  EXPECT_GT(c.common.noisy, c.common.clean);
  EXPECT_TRUE(c.is_needed());
}

// The 95 % interval holds the truth of exact evidence in most of 60 small samples.
TEST(Calibration, IntervalsHoldTheTruth) {
  int held = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Calibration c = fitted(KnownVersions{.count = 60, .seed = 100 + seed}.evidence());
    held += std::abs(weight_of(c, -3) - 1) <= 1.96 * error_of(c, -3);
  }
  EXPECT_GE(held, 51);  // 57 are expected; below 51 with a chance of 1 %
}

TEST(Calibration, ReliabilityIsThatOfTheProbabilities) {
  const Evidence exact = KnownVersions{}.evidence();
  for (const ReliabilityBin& bin : fitted(exact).as_claimed) {
    EXPECT_LE(bin.low, bin.share);
    EXPECT_LE(bin.share, bin.high);
    if (bin.low > 0 && bin.high < 1) {
      EXPECT_NEAR(bin.share - bin.low, bin.high - bin.share, 1e-12);
    }
    if (bin.claims < 200) continue;
    EXPECT_NEAR(bin.claimed, bin.share, 3 * (bin.high - bin.low) / 3.92);
  }
  const Calibration doubled = fitted(with_claims(exact, [](double) { return 2.0; }));
  const ReliabilityBin &claimed = doubled.as_claimed[8], &mended = doubled.calibrated[8];  // claims of .8 to .9
  EXPECT_GT(claimed.claimed - claimed.share, 2 * (mended.claimed - mended.share));
  EXPECT_GT(claimed.claimed, claimed.high);
}

// Colours claimed at half, shapes at twice their worth: each kind has nearly the weights that it would have alone, all
// words and unknown kinds those between.
TEST(Calibration, EveryKindOfWordHasWeightsOfItsOwn) {
  const auto claimed = [](uint64_t seed, double factor) {
    return with_claims(KnownVersions{.seed = seed}.evidence(), [factor](double) { return factor; });
  };
  const Evidence colours = claimed(1, 0.5), shapes = claimed(2, 2);
  const Calibration c = fit_calibration({{"colour", colours}, {"shape", shapes}});
  EXPECT_NEAR(weight_of(c, -3, "colour"), weight_of(fitted(colours), -3), 0.2);
  EXPECT_NEAR(weight_of(c, -3, "shape"), weight_of(fitted(shapes), -3), 0.1);
  EXPECT_GT(weight_of(c, -3, "place"), weight_of(c, -3, "shape") + 0.2);
  EXPECT_LT(weight_of(c, -3, "place"), weight_of(c, -3, "colour") - 0.2);
  EXPECT_EQ(c.kinds.at("colour").questions, 300);
  EXPECT_EQ(c.common.questions, 600);
  EXPECT_GT(c.kinds.at("colour").gain.low, 0);
  EXPECT_GT(c.kinds.at("shape").gain.low, 0);
  EXPECT_EQ(step_weight(c, {}, "shape")(-3), weight_of(c, -3, "shape"));
}

// Eight pictures say little: their kind keeps to what all words need, and a run of eight keeps near 1.
TEST(Calibration, AKindOfWhichLittleIsKnownTakesAfterTheOthers) {
  const auto halved = [](int64_t count, uint64_t seed) {
    return with_claims(KnownVersions{.count = count, .seed = seed}.evidence(), [](double) { return 2.0; });
  };
  const Calibration both = fit_calibration({{"colour", halved(300, 1)}, {"shape", halved(8, 2)}});
  const Calibration alone = fit_calibration({{"shape", halved(8, 2)}});
  EXPECT_LT(weight_of(both, -3, "shape"), 0.65);
  EXPECT_GT(weight_of(alone, -3, "shape"), weight_of(both, -3, "shape") + 0.05);
}

TEST(Calibration, OfAModelThatDoesNotHearTheWordIsFinite) {
  const Tensor own = torch::arange(12) % 2;
  const Denoiser deaf = [](const Tensor& x, const Tensor&, const Tensor&) { return torch::zeros_like(x); };
  const Evidence e =
      filter_noising_paths(deaf, {torch::ones({12, 1, 2, 2}, torch::kDouble), {Random(1), sample_range(0, 12)}},
                           {torch::zeros({2, 12, 1}, torch::kDouble), own}, {.steps = 5});
  const Calibration c = fitted(e);
  EXPECT_NEAR(c.common.noisy, 1, 1e-6);
  EXPECT_NEAR(c.common.clean, 1, 1e-6);
}

TEST(Calibration, RefusesTooFewPicturesAndOtherLevels) {
  EXPECT_THROW(fitted(KnownVersions{.count = 7}.evidence()), ValueError);
  EXPECT_THROW(fit_calibration({}), ValueError);
  Evidence other = KnownVersions{.count = 9}.evidence();
  other.log_snrs.back() += 0.1;
  EXPECT_THROW(fit_calibration({{"", KnownVersions{.count = 9}.evidence()}, {"", other}}), ValueError);
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
  c.common.noisy = 1.5;
  c.common.clean = 0.5;
  c.common.gain = {0.1, 0.05, 0.15};
  const StepWeight weight = step_weight(c, {}, "");
  EXPECT_DOUBLE_EQ(weight(-9), 1.5);
  EXPECT_DOUBLE_EQ(weight(-3), 1.0);
  EXPECT_DOUBLE_EQ(weight(4), 0.5);
  c.common.gain.low = 0;
  EXPECT_EQ(step_weight(c, {}, "")(-9), 1);
  EXPECT_FALSE(step_weight(c, {.calibrated = false}, ""));
  EXPECT_FALSE(step_weight(std::nullopt, {}, ""));
}

}  // namespace
}  // namespace noisescope
