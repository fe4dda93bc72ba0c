// Permutation tests (Fisher 1935): a statistic beside what it is when the labels are drawn anew.
// Exact where the labels are exchangeable under the null, whatever the distribution of the values.
#pragma once

#include "noisescope/core/random.h"

namespace noisescope::stats {

/// M cells under the true labels and under P random ones; float64 on the CPU.
struct Relabelled {
  Tensor observed;  // [M]
  Tensor null;      // [P, M]
  Tensor spread;    // [M]: standard deviation over all relabellings, in closed form; their mean is 0

  /// Both in units of the spread; cells whose spread is below `resolution` say nothing and get 0.
  Relabelled standardised(double resolution) const;
};

/// Which relabellings: number p takes (random, Purpose::explain, step, p).
struct RelabellingDraws {
  int64_t count = 999;  // P
  Random random{0};
  uint64_t step = 0;
};

/// One of K alternatives in each of N blocks is marked:
///   mean over blocks of value[n, own[n]] - mean_k value[n, k].
/// Null: in every block each alternative is as likely the marked one; blocks independent.
///   values [N, K, M], own [N] int64 in [0, K). Throws ShapeError, ValueError for K < 2, NumericError for
///   values that are not finite.
Relabelled relabel_blocks(const Tensor& values, const Tensor& own, const RelabellingDraws& draws);

/// Each of K pictures of a group has a partner of its own (a prompt) among the K of the group:
///   mean over pictures of value[g, i, i] - mean_ij value[g, i, j].
/// Null: in every group each permutation of the partners is equally likely, so what is due to a picture
/// or to a partner alone cancels, in the observed as under the null.
///   values [G, K, K, M]: group, picture, partner. Throws as above. Spread: Hoeffding 1951 (Ann. Math.
///   Stat. 22, p. 558), theorem 2.
Relabelled relabel_partners(const Tensor& values, const RelabellingDraws& draws);

/// G of N rows form a group:  mean of the group - mean of all.
/// Null: every choice of G rows is as likely the group.
///   group [G, M], others [N - G, M]. Throws as above, ValueError unless both have a row.
Relabelled relabel_group(const Tensor& group, const Tensor& others, const RelabellingDraws& draws);

}  // namespace noisescope::stats
