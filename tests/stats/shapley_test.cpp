#include "noisescope/stats/shapley.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

double largest(const Tensor& t) { return t.abs().max().item<double>(); }

/// All coalitions of a game that is told by its rule.
CoalitionValues game(int64_t players, const std::function<double(const Coalition&)>& v) {
  CoalitionValues values;
  for (const Coalition& s : all_coalitions(players)) values[s] = torch::full({1}, v(s), torch::kDouble);
  return values;
}

/// B games whose values are all drawn.
CoalitionValues random_games(int64_t players, int64_t count, uint64_t seed) {
  CoalitionValues values;
  for (const Coalition& s : all_coalitions(players)) {
    values[s] = Random(seed).normal(Purpose::explain, values.size(), sample_range(0, count), {}, torch::kDouble);
  }
  return values;
}

/// Shapley's definition by orders: the mean over all K! of them.
Tensor mean_over_all_orders(const CoalitionValues& values, int64_t players) {
  PlayerOrder order(static_cast<size_t>(players));
  std::iota(order.begin(), order.end(), 0);
  Tensor sum = torch::zeros({players, values.begin()->second.size(0)}, torch::kDouble);
  double count = 0;
  do {
    Coalition present(order.size(), false);
    for (const int64_t k : order) {
      const Tensor before = values.at(present);
      present[static_cast<size_t>(k)] = true;
      sum[k] += values.at(present) - before;
    }
    ++count;
  } while (std::next_permutation(order.begin(), order.end()));
  return (sum / count).t();
}

void expect_phi(const CoalitionValues& values, const std::vector<double>& phi) {
  EXPECT_LT(largest(exact_shapley(values).phi[0] - torch::tensor(phi, torch::kDouble)), 1e-12);
}

// One left glove, two right ones; a pair is worth 1: 2/3, 1/6, 1/6 by the six orders.
TEST(Shapley, OfTheGloveGame) {
  expect_phi(game(3, [](const Coalition& s) { return s[0] && (s[1] || s[2]) ? 1.0 : 0.0; }),
             {2.0 / 3, 1.0 / 6, 1.0 / 6});
}

TEST(Shapley, OfAUnanimityGameIsSharedByItsMembersAlone) {
  expect_phi(game(4, [](const Coalition& s) { return s[0] && s[2] ? 3.0 : 0.0; }), {1.5, 0, 1.5, 0});
}

TEST(Shapley, OfAnAdditiveGameIsEachPlayersOwnWorth) {
  const std::vector<double> own = {0.5, -2, 0, 7, 1};
  expect_phi(game(5,
                  [&](const Coalition& s) {
                    double sum = 10;  // v(none) is nobody's
                    for (size_t k = 0; k < s.size(); ++k) sum += s[k] ? own[k] : 0;
                    return sum;
                  }),
             own);
}

TEST(Shapley, OfArbitraryGamesIsTheMeanOverAllOrdersAndEfficient) {
  const CoalitionValues values = random_games(6, 3, 1);
  const ShapleyValues shapley = exact_shapley(values);
  EXPECT_LT(largest(shapley.phi - mean_over_all_orders(values, 6)), 1e-12);
  EXPECT_LT(largest(shapley.efficiency_gap()), 1e-12);
  EXPECT_EQ(largest(shapley.sampling_error()), 0);
}

// z of many sampled values must have variance 1, or the error is wrong; and be efficient at any
// number.
TEST(SampledShapley, AgreesWithExactWithinItsStandardError) {
  const CoalitionValues values = random_games(6, 4, 2);
  const Tensor exact = exact_shapley(values).phi.mean(0);
  std::vector<Tensor> z;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const ShapleyValues sampled = sampled_shapley(values, paired_orders(6, 100, Random(seed)));
    EXPECT_LT(largest(sampled.efficiency_gap()), 1e-12);
    z.push_back((sampled.phi.mean(0) - exact) / sampled.sampling_error());
  }
  EXPECT_NEAR(torch::cat(z).square().mean().item<double>(), 1, 0.45);  // 120 of them: SE about .15
}

TEST(SampledShapley, OrdersComeInReversedPairsAndNameTheirCoalitions) {
  const auto orders = paired_orders(10, 8, Random(3));
  ASSERT_EQ(orders.size(), 8);
  for (size_t i = 0; i < orders.size(); i += 2) {
    EXPECT_EQ(orders[i], PlayerOrder(orders[i + 1].rbegin(), orders[i + 1].rend()));
  }
  EXPECT_NE(orders[0], orders[2]);
  const auto formed = coalitions_of({{1, 0, 2}});
  EXPECT_EQ(formed, (std::vector<Coalition>{
                        {false, false, false}, {false, true, false}, {true, true, false}, {true, true, true}}));
}

TEST(Shapley, RefusesWhatItCannotEnumerateOrDoesNotHave) {
  EXPECT_EQ(all_coalitions(kExactPlayers).size(), size_t{1} << kExactPlayers);
  EXPECT_THROW(all_coalitions(kExactPlayers + 1), ValueError);
  EXPECT_THROW(all_coalitions(0), ValueError);
  EXPECT_THROW(exact_shapley({}), ValueError);
  EXPECT_THROW(paired_orders(4, 5, Random(0)), ValueError);
  EXPECT_THROW(paired_orders(4, 2, Random(0)), ValueError);
  EXPECT_THROW(sampled_shapley({}, paired_orders(4, 4, Random(0))), ValueError);
  EXPECT_THROW(sampled_shapley({}, {}), ValueError);
  CoalitionValues values = random_games(3, 1, 0);
  values.erase({false, true, true});
  try {
    exact_shapley(values);
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("011"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace noisescope
