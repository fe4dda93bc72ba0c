// Shapley values of cooperative games; here of B games, one a picture, with the same K players at
// once.
//
//   phi_k = sum over coalitions S without k of |S|! (K - |S| - 1)! / K! (v(S + k) - v(S))
// (Shapley 1953, "A value for n-person games"), the mean of what k adds over all orders in which
// the players may come in. It alone is efficient (sums to v(all) - v(none)), symmetric, linear in
// v, and nothing for a player who never changes v.
//
// Where 2^K coalitions are too many the mean is taken over sampled orders (Castro, Gomez & Tejada
// 2009, "Polynomial calculation of the Shapley value based on sampling"), each beside its reverse
// (antithetic pairs: Mitchell et al. 2022, arXiv:2104.12199). Every order is efficient, so the
// sampled values are.
#pragma once

#include <map>
#include <vector>

#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"

namespace noisescope::stats {

/// Which of the K players take part. Ordered as words are: by player 0 first.
using Coalition = std::vector<bool>;
/// v of coalitions, each [B] float64.
using CoalitionValues = std::map<Coalition, Tensor>;
/// Players in the order in which they come in.
using PlayerOrder = std::vector<int64_t>;

constexpr int64_t kExactPlayers = 8;  // most players whose coalitions are all enumerated

/// All 2^K. Throws ValueError unless 1 <= players <= kExactPlayers.
std::vector<Coalition> all_coalitions(int64_t players);

/// `count` orders by (random, Purpose::explain, pair): 2p is drawn, 2p + 1 is its reverse.
/// Throws ValueError unless count is even and at least 4: an error needs two pairs.
std::vector<PlayerOrder> paired_orders(int64_t players, int64_t count, const Random& random);

/// The coalitions that players form as they come in, K + 1 an order, each once.
std::vector<Coalition> coalitions_of(const std::vector<PlayerOrder>& orders);

/// float64 on the CPU; in the unit of v.
struct ShapleyValues {
  Tensor phi;    // [B, K]
  Tensor total;  // [B]: v(all) - v(none)
  Tensor pairs;  // [P, B, K]: phi by each pair of orders, whose mean phi is; undefined where exact

  /// Sum of phi - total, [B]: rounding alone.
  Tensor efficiency_gap() const { return phi.sum(1) - total; }
  /// Standard error of the mean of phi over the B games that comes from the sampled orders, [K]; 0
  /// where exact. What other pictures would add is not in it.
  Tensor sampling_error() const;
};

/// From the values of all 2^K coalitions. Throws ValueError where one is missing.
ShapleyValues exact_shapley(const CoalitionValues& values);

/// From the values of coalitions_of(orders), `orders` paired. Throws ValueError where one is
/// missing.
ShapleyValues sampled_shapley(const CoalitionValues& values, const std::vector<PlayerOrder>& orders);

/// v of a coalition. Throws ValueError that names it where it is missing.
const Tensor& value_of(const CoalitionValues& values, const Coalition& coalition);

}  // namespace noisescope::stats
