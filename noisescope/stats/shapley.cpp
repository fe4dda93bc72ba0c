#include "noisescope/stats/shapley.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {
namespace {

int64_t players_of(const CoalitionValues& values) {
  if (values.empty()) throw ValueError("[stats.shapley] expected values of coalitions, got none");
  return static_cast<int64_t>(values.begin()->first.size());
}

/// |S|! (K - |S| - 1)! / K! = 1 / (K (K - 1 over |S|)).
double weight(int64_t size, int64_t players) {
  double ways = 1;
  for (int64_t i = 1; i <= size; ++i) {
    ways *= static_cast<double>(players - i) / static_cast<double>(i);
  }
  return 1 / (static_cast<double>(players) * ways);
}

Tensor total_of(const CoalitionValues& values) {
  const auto players = static_cast<size_t>(players_of(values));
  return value_of(values, Coalition(players, true)) - value_of(values, Coalition(players, false));
}

/// What each player adds as it comes in, [B, K].
Tensor contributions(const CoalitionValues& values, const PlayerOrder& order) {
  std::vector<Tensor> added(order.size());
  Coalition present(order.size(), false);
  Tensor before = value_of(values, present);
  for (const int64_t player : order) {
    present[static_cast<size_t>(player)] = true;
    const Tensor& now = value_of(values, present);
    added[static_cast<size_t>(player)] = now - before;
    before = now;
  }
  return torch::stack(added, 1);
}

}  // namespace

std::vector<Coalition> all_coalitions(int64_t players) {
  if (players < 1 || players > kExactPlayers) {
    throw ValueError(
        format_text("[stats.all_coalitions] expected 1 to {} players for exact enumeration, got {}; "
                    "sample orders instead",
                    kExactPlayers, players));
  }
  std::vector<Coalition> all;
  for (int64_t bits = 0; bits < int64_t{1} << players; ++bits) {
    Coalition coalition;
    for (int64_t k = players - 1; k >= 0; --k) coalition.push_back((bits >> k & 1) != 0);
    all.push_back(std::move(coalition));
  }
  return all;
}

std::vector<PlayerOrder> paired_orders(int64_t players, int64_t count, const Random& random) {
  if (players < 1 || count < 4 || count % 2 != 0) {
    throw ValueError(
        format_text("[stats.paired_orders] expected players and an even number of at least 4 orders, "
                    "got {} and {}",
                    players, count));
  }
  std::vector<PlayerOrder> orders;
  for (int64_t pair = 0; pair < count / 2; ++pair) {
    const Tensor drawn = random.permutation(Purpose::explain, static_cast<uint64_t>(pair), players).contiguous();
    const int64_t* first = drawn.const_data_ptr<int64_t>();
    orders.emplace_back(first, first + players);
    orders.emplace_back(orders.back().rbegin(), orders.back().rend());
  }
  return orders;
}

std::vector<Coalition> coalitions_of(const std::vector<PlayerOrder>& orders) {
  std::set<Coalition> formed;
  for (const PlayerOrder& order : orders) {
    Coalition present(order.size(), false);
    formed.insert(present);
    for (const int64_t player : order) {
      present[static_cast<size_t>(player)] = true;
      formed.insert(present);
    }
  }
  return {formed.begin(), formed.end()};
}

Tensor ShapleyValues::sampling_error() const {
  if (!pairs.defined()) return torch::zeros({phi.size(1)}, torch::kFloat64);
  return pairs.mean(1).std(0) / std::sqrt(static_cast<double>(pairs.size(0)));
}

ShapleyValues exact_shapley(const CoalitionValues& values) {
  const int64_t players = players_of(values);
  for (const Coalition& coalition : all_coalitions(players)) value_of(values, coalition);
  std::vector<Tensor> phi(static_cast<size_t>(players), torch::zeros_like(values.begin()->second));
  for (const auto& [coalition, value] : values) {
    const double share = weight(std::count(coalition.begin(), coalition.end(), true), players);
    for (size_t k = 0; k < phi.size(); ++k) {
      if (coalition[k]) continue;
      Coalition joined = coalition;
      joined[k] = true;
      phi[k] = phi[k] + share * (value_of(values, joined) - value);
    }
  }
  return {torch::stack(phi, 1), total_of(values), {}};
}

ShapleyValues sampled_shapley(const CoalitionValues& values, const std::vector<PlayerOrder>& orders) {
  if (orders.size() < 4 || orders.size() % 2 != 0) {
    throw ValueError(
        format_text("[stats.sampled_shapley] expected at least two pairs of orders, got {} orders", orders.size()));
  }
  std::vector<Tensor> pairs;
  for (size_t i = 0; i < orders.size(); i += 2) {
    pairs.push_back((contributions(values, orders[i]) + contributions(values, orders[i + 1])) / 2);
  }
  const Tensor by_pair = torch::stack(pairs);
  return {by_pair.mean(0), total_of(values), by_pair};
}

const Tensor& value_of(const CoalitionValues& values, const Coalition& coalition) {
  const auto found = values.find(coalition);
  if (found != values.end()) return found->second;
  std::string name;
  for (const bool present : coalition) name += present ? '1' : '0';
  throw ValueError("[stats.shapley] expected a value of every coalition in use, got none of " + name);
}

}  // namespace noisescope::stats
