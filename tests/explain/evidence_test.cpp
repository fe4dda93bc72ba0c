#include "noisescope/explain/evidence.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

/// A world of K known pictures [K, C, H, W]: the condition is the picture itself.
Denoiser known_pictures() {
  return [](const Tensor& x, const Tensor&, const Tensor& condition) { return condition.view_as(x); };
}

struct KnownCase {
  Tensor versions = Random(1).normal(Purpose::scene, 0, {0, 1, 2}, {2, 3, 3}, torch::kDouble);
  Tensor own = torch::tensor({0, 1, 2, 1});
  Tensor pictures = versions.index_select(0, own);
  Contrast contrast{versions.flatten(1).unsqueeze(1).expand({3, 4, 18}), own};
  PathNoise noise{Random(7), sample_range(0, 4)};

  /// ln of exp(-|x - v|^2 / (2 sigma^2)), [B, K].
  Tensor log_likelihood(const Tensor& x, double sigma) const {
    return (x.unsqueeze(1) - versions).square().sum({2, 3, 4}) / (-2 * sigma * sigma);
  }
};

// With known pictures the reverse kernels are exact at any step, so the filter must equal Bayes' rule
// on the likelihoods of the two ends of the path to rounding, however coarse the path is.
TEST(EvidenceFilter, IsBayesRuleWhereKernelsAreExact) {
  const KnownCase c;
  EvidenceFilter filter(known_pictures(), c.contrast);
  const std::vector<double> sigmas = {9.0, 2.5, 0.8};
  std::vector<Tensor> x;
  for (size_t i = 0; i < 3; ++i) {  // any path will do
    x.push_back(c.pictures +
                sigmas[i] * Random(2).normal(Purpose::explain, i, sample_range(0, 4), {2, 3, 3}, torch::kDouble));
  }
  filter.advance(x[0], sigmas[0], x[1], sigmas[1]);
  filter.advance(x[1], sigmas[1], x[2], sigmas[2]);
  const Tensor expected = (c.log_likelihood(x[2], 0.8) - c.log_likelihood(x[0], 9.0)).log_softmax(1);
  EXPECT_LT((filter.result().log_posterior[2] - expected).abs().max().item<double>(), 1e-10);
}

// A version is asked until its posterior is below 1e-5, none once one is left: the posterior stays Bayes'
// rule on the likelihoods to that, with fewer evaluations than K a step. Batches come in eights, 12 at most.
TEST(EvidenceFilter, AsksOnlyVersionsThatAreOpen) {
  const KnownCase c;
  int64_t asked = 0, open = 0;
  const Denoiser counting = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    asked += x.size(0);
    return known_pictures()(x, sigma, condition);
  };
  const EvidenceOptions options{.steps = 40};
  EvidenceFilter filter(counting, c.contrast);
  Tensor last, start;
  double last_sigma = 0;
  walk_noising_paths({c.pictures, c.noise}, options, [&](const Tensor& x, double sigma) {
    const Tensor likelihood = c.log_likelihood(x, sigma);
    if (!start.defined()) start = likelihood;
    const Tensor bayes = (likelihood - start).softmax(1);
    if (last.defined()) {
      filter.advance(last, last_sigma, x, sigma);
      const Tensor error = filter.result().log_posterior[-1].exp() - bayes;
      EXPECT_LT(error.abs().max().item<double>(), 1e-4);
    }
    EXPECT_EQ(asked, open);
    const Tensor above = bayes > 1e-5;
    const int64_t rows = (above & (above.sum(1, true) > 1)).sum().item<int64_t>();
    open += rows > 8 ? 12 : rows > 0 ? 8 : 0;
    last = x, last_sigma = sigma;
  });
  EXPECT_LT(asked, options.cost(4, 3) * 3 / 4);
  EXPECT_LT(filter.result().completeness_gap().abs().max().item<double>(), 1e-10);
}

// One step by hand: with two versions the Aumann-Shapley integral has the closed form W_other =
// F(1) / z, so the realised map of one pixel is the gain itself; compensated = (SNR' - SNR) / 2 |..|^2.
TEST(EvidenceFilter, MapsOfOneStepByHand) {
  const Tensor versions = torch::tensor({2.0, -1.0}, torch::kDouble).view({2, 1, 1});
  EvidenceFilter filter(known_pictures(), {versions, torch::tensor({0})});
  const Tensor x = torch::full({1, 1, 1, 1}, 3.0, torch::kDouble), next = torch::full_like(x, 1.5);
  filter.advance(x, 2.0, next, 1.0);
  const Evidence e = filter.result();
  const double v = 1.0 * (1 - 0.25), star = 0.5;  // mixture of 2 and -1 at prior weights
  const auto kernel = [&](double d) { return std::exp(-std::pow(1.5 - 0.25 * 3.0 - 0.75 * d, 2) / (2 * v)); };
  const double gain = std::log(kernel(2) / (0.5 * kernel(2) + 0.5 * kernel(-1)));
  EXPECT_NEAR(e.realised.item<double>(), gain, 1e-12);
  EXPECT_NEAR(e.compensated.item<double>(), 0.5 * (1 - 0.25) * std::pow(2 - star, 2), 1e-12);
  EXPECT_NEAR(e.profile.item<double>(), e.compensated.item<double>(), 1e-12);
}

// The integral by brute force, on a step that all but excludes one of three versions.
TEST(EvidenceFilter, RealisedMapIsTheAumannShapleyValue) {
  const KnownCase c;
  EvidenceFilter filter(known_pictures(), c.contrast);
  const double sigma = 2.0, next = 0.3;
  const Tensor x =
      c.pictures + sigma * Random(4).normal(Purpose::explain, 0, sample_range(0, 4), {2, 3, 3}, torch::kDouble);
  const Tensor x_next = c.pictures * 0.9;
  filter.advance(x, sigma, x_next, next);
  const double r2 = next * next / (sigma * sigma), v = next * next * (1 - r2);
  const Tensor kernels =
      (x_next.unsqueeze(1) - r2 * x.unsqueeze(1) - (1 - r2) * c.versions).square().sum(2) / (-2 * v);  // [B, K, H, W]
  const Tensor gains = kernels.index({torch::arange(4), c.own}).unsqueeze(1) - kernels;
  const Tensor z = gains.sum({2, 3});
  Tensor shares = torch::zeros({4, 3}, torch::kDouble);
  const int64_t nodes = 200000;
  for (int64_t i = 0; i < nodes; ++i) {
    shares += (-(double(i) + 0.5) / double(nodes) * z).softmax(1) / double(nodes);
  }
  const Tensor expected = (shares.view({4, 3, 1, 1}) * gains).sum(1);
  EXPECT_LT((filter.result().realised - expected).abs().max().item<double>(),
            1e-7 * expected.abs().max().item<double>());
}

/// Three overlapping blobs; the versions are the components.
struct BlobEvidence {
  GaussianMixture data{torch::eye(3, 8) * 1.2, torch::full({3, 8}, 0.15)};
  int64_t count = 400;
  Tensor own = torch::arange(count) % 3;
  Tensor pictures = data.sample(Random(1), Purpose::scene, sample_range(0, count), own).view({count, 2, 2, 2});
  Tensor prior = torch::ones({count, 3}, torch::kDouble);
  Contrast contrast{torch::eye(3, torch::kDouble).unsqueeze(1).expand({3, count, 3}), own};

  EvidenceOptions options(int64_t steps) const {
    EvidenceOptions options;
    options.steps = steps;
    options.log_snr_min = -9;
    options.log_snr_max = 3;
    return options;
  }
  PathNoise noise() const { return {Random(3), sample_range(0, count)}; }
  Evidence filter(int64_t steps) const {
    return filter_noising_paths(data.denoiser(), {pictures, noise()}, contrast, options(steps));
  }
};

// The path is Markov, so p_k must be the posterior of the noisy picture alone, at every level, up to
// the error of the step: strong order 1/2, a third for nine times the steps.
TEST(EvidenceFilter, FollowsThePosteriorOfTheMixture) {
  const BlobEvidence c;
  const auto error = [&](int64_t steps) {
    std::vector<Tensor> truth;
    walk_noising_paths({c.pictures, c.noise()}, c.options(steps), [&](const Tensor& x, double sigma) {
      const Tensor levels = torch::full({c.count}, sigma, torch::kDouble);
      truth.push_back(c.data.posterior(x, levels, c.prior).gather(1, c.own.unsqueeze(1)).squeeze(1));
    });
    return (c.filter(steps).decision() - torch::stack(truth)).square().mean().sqrt().item<double>();
  };
  const double coarse = error(36), fine = error(324);
  EXPECT_LT(fine, 0.03);
  EXPECT_NEAR(coarse / fine, 3, 1);
}

// Kong et al. 2024: the compensated total's mean is the information between picture and version, which
// is the mean of ln p_own(end) + ln K.
TEST(EvidenceFilter, CompensatedAndRealisedTotalsAgreeInTheMean) {
  const BlobEvidence c;
  const Evidence e = c.filter(320);
  const Tensor difference = e.compensated.sum({1, 2}) - e.realised_total();
  const double error = difference.std().item<double>() / std::sqrt(double(c.count));
  EXPECT_NEAR(difference.mean().item<double>(), 0, 4 * error + 0.01);
  EXPECT_LE(e.realised_total().max().item<double>(), std::log(3.0));
  EXPECT_GT(e.realised_total().mean().item<double>(), 0.5);
}

TEST(EvidenceFilter, RealisedMapIsCompleteAtAnyStepSize) {
  for (const int64_t steps : {3, 20, 160}) {
    const Evidence e = BlobEvidence().filter(steps);
    EXPECT_LT(e.completeness_gap().abs().max().item<double>(), 1e-7) << steps;
  }
}

// Averaged over paths the compensated map overshoots by the error of left-point steps: as 1 / steps.
TEST(EvidenceFilter, CompensationGapFallsAsTheStep) {
  const BlobEvidence c;
  const auto gap = [&](int64_t steps) { return c.filter(steps).compensation_gap().mean().item<double>(); };
  const double coarse = gap(10), fine = gap(80);
  EXPECT_GT(coarse / std::abs(fine), 4);
}

TEST(EvidenceFilter, ProfileSumsToTheCompensatedMap) {
  const Evidence e = BlobEvidence().filter(20);
  EXPECT_LT((e.profile.sum(0) - e.compensated.sum({1, 2})).abs().max().item<double>(), 1e-10);
  EXPECT_GE(e.compensated.min().item<double>(), 0);
}

// A path's noise belongs to its sample id, and passes may be cut anywhere.
TEST(EvidenceFilter, PathOfASampleIsThatOfTheSampleAlone) {
  const KnownCase c;
  EvidenceOptions options;
  options.steps = 10;
  options.pass_size = 5;
  const Evidence all = filter_noising_paths(known_pictures(), {c.pictures, c.noise}, c.contrast, options);
  const Contrast alone{c.contrast.conditions.narrow(1, 2, 1), c.own.narrow(0, 2, 1)};
  const Evidence one =
      filter_noising_paths(known_pictures(), {c.pictures.narrow(0, 2, 1), {c.noise.random, {2}}}, alone, options);
  EXPECT_LT((all.log_posterior.narrow(1, 2, 1) - one.log_posterior).abs().max().item<double>(), 1e-12);
  EXPECT_LT((all.realised[2] - one.realised[0]).abs().max().item<double>(), 1e-12);
}

TEST(Evidence, HalfPointIsWhereTheCurveStaysAboveHalfTheWay) {
  Evidence e;
  e.log_snrs = {-4, -2, 0, 2};
  const Tensor p = torch::tensor({{0.5, 0.5, 0.5}, {0.9, 0.6, 0.5}, {0.7, 0.7, 0.6}, {0.8, 1.0, 0.7}}, torch::kDouble);
  e.log_posterior = torch::stack({p, 1 - p}, 2).log();
  e.true_version = torch::zeros({3}, torch::kInt64);
  const Tensor half = e.half_points();             // half of the way from 1/2 to 1: 0.75
  EXPECT_NEAR(half[0].item<double>(), 1.0, 1e-9);  // 0.9 at -2 does not stay
  EXPECT_NEAR(half[1].item<double>(), 1.0 / 3, 1e-9);
  EXPECT_TRUE(std::isnan(half[2].item<double>()));
}

TEST(Evidence, EntropyFallsFromLnKToZero) {
  const Evidence e = BlobEvidence().filter(40);
  const Tensor entropy = e.entropy().mean(1);
  EXPECT_NEAR(entropy[0].item<double>(), std::log(3.0), 1e-12);
  const Tensor widths = torch::tensor(e.log_snrs, torch::kDouble).diff();
  const Tensor fallen = (e.entropy_rate().mean(1) * widths).sum();
  EXPECT_NEAR(fallen.item<double>(), (entropy[0] - entropy[-1]).item<double>(), 1e-9);
}

TEST(EvidenceFilter, RefusesWhatCannotBeFiltered) {
  const KnownCase c;
  const auto make = [&](const Tensor& conditions, const Tensor& own) {
    EvidenceFilter filter(known_pictures(), {conditions, own});
  };
  const Tensor& rows = c.contrast.conditions;
  EXPECT_THROW(make(rows.narrow(0, 0, 1), torch::zeros({4}, torch::kInt64)), ValueError);
  EXPECT_THROW(make(rows, torch::tensor({0, 1, 2, 3})), ValueError);
  EXPECT_THROW(make(rows, torch::tensor({0, 1})), ShapeError);
  EvidenceFilter filter(known_pictures(), c.contrast);
  EXPECT_THROW(filter.result(), ValueError);
  EXPECT_THROW(filter.advance(c.pictures, 1.0, c.pictures, 2.0), ValueError);
  filter.advance(c.pictures, 4.0, c.pictures, 2.0);
  EXPECT_THROW(filter.advance(c.pictures, 3.0, c.pictures, 1.0), ValueError);
  EXPECT_THROW(filter.advance(c.pictures * std::nan(""), 2.0, c.pictures, 1.0), NumericError);
  EvidenceOptions options;
  options.log_snr_max = options.log_snr_min;
  EXPECT_THROW(filter_noising_paths(known_pictures(), {c.pictures, c.noise}, c.contrast, options), ValueError);
}

// The map sums to what was decided: ln K where the picture shows the version, ever less than 0 where it shows another.
TEST(EvidenceMap, SumsToWhatWasDecidedAndSpeaksAgainstAnotherPicture) {
  const KnownCase c;
  const Evidence shown = filter_noising_paths(known_pictures(), {c.pictures, c.noise}, c.contrast, {.steps = 60});
  EXPECT_LT((shown.map().sum({1, 2}) - shown.realised_total()).abs().max().item<double>(), 1e-12);
  EXPECT_GE(shown.map().min().item<double>(), 0);
  const Contrast contradicted{c.contrast.conditions, (c.own + 1) % 3};
  const Evidence other = filter_noising_paths(known_pictures(), {c.pictures, c.noise}, contradicted, {.steps = 60});
  EXPECT_LT((other.map().sum({1, 2}) / other.realised_total() - 1).abs().max().item<double>(), 1e-12);
  EXPECT_LT(other.realised_total().max().item<double>(), -10);
  EXPECT_LE(other.map().max().item<double>(), 0);
  EXPECT_GT(other.compensated.sum({1, 2}).min().item<double>(), 10);  // which alone would say: most of all
}

// Where versions do not differ nothing is shared out, and nothing is divided by zero.
TEST(EvidenceMap, IsZeroForVersionsThatAreTheSame) {
  KnownCase c;
  const Tensor same = c.contrast.conditions.slice(0, 0, 1).expand({3, -1, -1});
  const Evidence evidence = filter_noising_paths(known_pictures(), {c.pictures, c.noise}, {same, c.own}, {.steps = 4});
  EXPECT_EQ(evidence.map().abs().max().item<double>(), 0);
}

// The map is the realised one as expected given its total: over many paths that decide little, their difference has
// mean 0 and does not go along with the total; the compensated map's does.
TEST(EvidenceMap, IsTheRealisedMapExpectedGivenItsTotal) {
  constexpr int64_t kPaths = 20000;
  Tensor versions = torch::zeros({2, 1, 1, 3}, torch::kDouble);
  versions[1] = torch::tensor({0.2, 0.4, 0.6}, torch::kDouble);
  const Contrast contrast{versions.flatten(1).unsqueeze(1).expand({2, kPaths, 3}),
                          torch::ones({kPaths}, torch::kInt64)};
  const PictureBatch batch{versions.slice(0, 1, 2).expand({kPaths, -1, -1, -1}), {Random(4), sample_range(0, kPaths)}};
  const Evidence evidence =
      filter_noising_paths(known_pictures(), batch, contrast, {.steps = 20, .log_snr_min = -12, .log_snr_max = -2.5});
  const Tensor total = evidence.realised_total() - evidence.realised_total().mean();
  const auto goes_along = [&](const Tensor& maps) {  // slope of the difference of each pixel on the total, [1, 3]
    const Tensor off = evidence.realised - maps;
    return (off * total.view({-1, 1, 1})).mean(0) / total.square().mean();
  };
  const Tensor share = versions[1].square().squeeze(0) / versions[1].square().sum();  // of each pixel
  EXPECT_LT((goes_along(evidence.map()).abs() / share).max().item<double>(), 0.1);
  EXPECT_LT(((evidence.realised - evidence.map()).mean(0).abs() / evidence.map().mean(0)).max().item<double>(), 0.1);
  EXPECT_GT((goes_along(evidence.compensated) / share).min().item<double>(), 0.8);
}

TEST(EvidenceFilter, StopsOnRequest) {
  const KnownCase c;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(
      filter_noising_paths(known_pictures(), {c.pictures, c.noise}, c.contrast, {}, {.stop = stop.get_token()}),
      Interrupted);
}

}  // namespace
}  // namespace noisescope
