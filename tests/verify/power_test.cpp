#include "noisescope/verify/power.h"

#include <limits>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Power, ShortfallIsInStandardErrors) {
  const auto row = [](Direction direction, Estimate measured) {
    return VerifyRow{"method", "subject", "figure", direction, 0.5, measured};
  };
  const double z = 1.959963984540054;
  EXPECT_NEAR(shortfall(row(Direction::at_least, {0.3, 0.3 - 0.1 * z, 0.3 + 0.1 * z, 9})), 2, 1e-9);
  EXPECT_NEAR(shortfall(row(Direction::at_most, {0.3, 0.3 - 0.1 * z, 0.3 + 0.1 * z, 9})), -2, 1e-9);
  EXPECT_NEAR(shortfall(row(Direction::within, {0.5 - 0.1 * z, 0.5 - 0.2 * z, 0.5, 9})), 0, 1e-9);
  EXPECT_EQ(shortfall(row(Direction::at_most, {0.6, 0.6, 0.6, 9})), kInfinity);
  EXPECT_EQ(shortfall(row(Direction::at_most, {0.5, 0.5, 0.5, 9})), -kInfinity);
  EXPECT_EQ(shortfall(row(Direction::at_most, {std::nan(""), 0, 0, 9})), kInfinity);
}

// Where the row's estimate is normal about its mean with its standard error, the size found is fallen for nine times in
// ten: 1.2816 standard errors beyond the bar.
TEST(Power, SmallestCaughtIsLinearBetweenSizes) {
  EXPECT_NEAR(smallest_caught({0, 0.1, 0.2, 0.4}, {-3, -1, 2, 9}).value(), 0.1 + 0.1 * 2.2815516 / 3, 1e-6);
  EXPECT_NEAR(smallest_caught({0, 0.1}, {-kInfinity, kInfinity}).value(), 0.1, 1e-12);
  EXPECT_FALSE(smallest_caught({0, 0.1}, {-3, 1}));
  EXPECT_FALSE(smallest_caught({0, 0.1}, {1, 9})) << "it fell before";
  // Only from where it is caught on: a row that misses a larger error does not catch a smaller one.
  EXPECT_NEAR(smallest_caught({0, 1, 2, 3, 4}, {-2, 5, -1, 2, 2}).value(), 2 + 2.2815516 / 3, 1e-6);
}

// Errors of size 0 change nothing; larger ones change more.
TEST(Power, PlantedErrorsOfNoSizeAreNone) {
  const WorldDenoiser truth{World(world_member("demo"))};
  const Model exact = exact_model(truth);
  const SceneBatch batch = contrastable_scenes(truth.world(), 3, 2);
  const double level = 8;  // where words are half decided
  const Tensor sigma = torch::full({2}, level, torch::kDouble), condition = exact.condition(batch.captions());
  const Tensor noise = Random(1).normal(Purpose::explain, 0, {0, 1}, {3, 32, 32}, torch::kDouble);
  const Tensor x = batch.pictures + level * noise;
  for (const PlantedError& error : planted_errors()) {
    if (!error.plant(0).model) continue;
    const auto change = [&](double size) {
      const Model planted = error.plant(size).model(exact);
      return (planted.denoiser(x, sigma, condition) - exact.denoiser(x, sigma, condition)).abs().max().item<double>();
    };
    EXPECT_LT(change(0), 1e-12) << error.kind;
    EXPECT_GT(change(error.sizes.back()), 1e-6) << error.kind;
  }
}

TEST(Power, JsonNamesRowAndErrorAndSaysWhereNothingIsSeen) {
  const auto json = to_json(std::vector<Power>{{"evidence", "figure", "exact demo", "kind", 0.15, 0.2},
                                               {"evidence", "figure", "exact demo", "kind", std::nullopt, 0.2}});
  for (const char* key : {"method", "figure", "subject", "kind", "smallest", "target", "ok"}) {
    EXPECT_TRUE(json[0].contains(key)) << key;
  }
  EXPECT_EQ(json[0]["ok"], true);
  EXPECT_TRUE(json[1]["smallest"].is_null());
  EXPECT_EQ(json[1]["ok"], false);
}

// An error of every share in the score of maps: each row of the check sees some of them, and one that does not concern
// a check leaves nothing to report.
TEST(Power, IsMeasuredOnTheChecksThatAreAsked) {
  EXPECT_TRUE(measure_power({.checks = {"sensitivity"}}, nullptr).empty());
}

}  // namespace
}  // namespace noisescope
