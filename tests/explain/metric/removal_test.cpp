#include "noisescope/explain/metric/removal.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"

namespace noisescope {
namespace {

const std::vector<int64_t> kTwoIds = {3, 4};
const Tensor kPictures = Random(5).normal(Purpose::explain, 1, kTwoIds, {3, 4, 4}, torch::kFloat64);
const Tensor kMasks = Random(6).uniform(Purpose::explain, 1, kTwoIds, {4, 4}) < 0.5;

Tensor samples_of(int64_t rows) { return torch::arange(rows); }

std::vector<Removal> all_removals() {
  const GaussianData data(torch::zeros({48}, torch::kFloat64), torch::full({48}, 0.25, torch::kFloat64));
  return {replace_by(0.5), replace_by_noise(Random(1), kTwoIds),
          refill(data.denoiser(), torch::zeros({2, 1}), {.steps = 6}, Random(1), kTwoIds)};
}

TEST(Removal, ReplacesRemovedPixelsAndNoOthers) {
  for (const Removal& removal : all_removals()) {
    const Tensor out = removal(kPictures, kMasks, samples_of(2));
    const Tensor changed = out != kPictures;
    EXPECT_TRUE(changed.equal(kMasks.unsqueeze(1).expand_as(changed)));
    EXPECT_TRUE(out.isfinite().all().item<bool>());
  }
}

TEST(Removal, RowsOfOneSampleShareTheirNoiseAndStandAlone) {
  for (const Removal& removal : all_removals()) {
    const Tensor both = removal(kPictures, kMasks, samples_of(2));
    const Tensor second = torch::tensor({1, 1});
    const Tensor twice = removal(kPictures.index_select(0, second), kMasks.index_select(0, second), second);
    EXPECT_TRUE(twice[0].equal(twice[1]));
    EXPECT_TRUE(torch::allclose(twice[0], both[1], 1e-12, 1e-12));
  }
}

TEST(MatchedNoise, HasTheMomentsOfItsChannel) {
  const Tensor picture = Random(7).normal(Purpose::explain, 0, {0}, {3, 64, 64}, torch::kFloat64) *
                             torch::tensor({0.1, 1.0, 3.0}).view({3, 1, 1}) +
                         torch::tensor({0.5, 0.0, -2.0}).view({3, 1, 1});
  const Tensor out = replace_by_noise(Random(1), {0})(picture, torch::ones({1, 64, 64}, torch::kBool), samples_of(1));
  const Tensor error = (out.mean({2, 3}) - picture.mean({2, 3})).abs();
  EXPECT_TRUE((error < 4 / 64.0 * picture.std({2, 3})).all().item<bool>());
  EXPECT_TRUE(torch::allclose(out.std({2, 3}), picture.std({2, 3}), 0.05));
}

// Two pixels with correlation rho: given one, the other is N(rho x, 1 - rho^2) of unit variance.
TEST(Refill, DrawsFromTheConditionalDistribution) {
  constexpr double kRho = 0.8, kKnown = 1.5;
  constexpr int64_t kRows = 2000;
  const Tensor covariance = torch::tensor({{1.0, kRho}, {kRho, 1.0}}, torch::kFloat64);
  const GaussianData data(torch::zeros({2}, torch::kFloat64), covariance);
  const Removal removal =
      refill(data.denoiser(), torch::zeros({kRows, 1}),
             {.steps = 80, .resamples = 10, .log_snr_max = 6, .pass_size = kRows}, Random(2), sample_range(0, kRows));
  const Tensor pictures = torch::full({kRows, 1, 1, 2}, kKnown, torch::kFloat64);
  const Tensor second = torch::tensor({false, true}).view({1, 1, 2}).expand({kRows, 1, 2});
  const Tensor drawn = removal(pictures, second, samples_of(kRows)).select(3, 1);
  EXPECT_NEAR(drawn.mean().item<double>(), kRho * kKnown, 0.05);
  EXPECT_NEAR(drawn.var().item<double>(), 1 - kRho * kRho, 0.05);
}

TEST(Refill, CostsWhatItSays) {
  const GaussianData data(torch::zeros({48}, torch::kFloat64), torch::ones({48}, torch::kFloat64));
  int64_t evaluations = 0;
  const Denoiser counting = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    evaluations += x.size(0);
    return data.denoiser()(x, sigma, condition);
  };
  const RefillOptions options{.steps = 5, .resamples = 2, .pass_size = 1};
  refill(counting, torch::zeros({2, 1}), options, Random(1), kTwoIds)(kPictures, kMasks, samples_of(2));
  EXPECT_EQ(evaluations, options.cost(2));
}

TEST(Refill, BeginsAtItsFirstNoiseLevel) {
  double first = 0;
  const Denoiser watching = [&](const Tensor& x, const Tensor& sigma, const Tensor&) {
    if (first == 0) first = (x.std() / sigma[0]).item<double>();
    return torch::zeros_like(x);
  };
  refill(watching, torch::zeros({2, 1}), {.steps = 5}, Random(1), kTwoIds)(kPictures, kMasks, samples_of(2));
  EXPECT_NEAR(first, 1, 0.3);  // the next level is a fifth of it
}

TEST(Refill, RefusesOptionsOutOfRange) {
  const Denoiser none = {};
  const Tensor condition = torch::zeros({2, 1});
  EXPECT_THROW(refill(none, condition, {.steps = 1}, Random(1), kTwoIds), ValueError);
  EXPECT_THROW(refill(none, condition, {.resamples = 0}, Random(1), kTwoIds), ValueError);
  EXPECT_THROW(refill(none, condition, {.log_snr_min = 5}, Random(1), kTwoIds), ValueError);
  EXPECT_THROW(refill(none, condition, {}, Random(1), {0}), ShapeError);
}

}  // namespace
}  // namespace noisescope
