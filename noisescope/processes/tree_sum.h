// One order of addition, whoever adds: floating-point sums depend on their order, so that a sum over processes would
// depend on how many there are.
#pragma once

#include <cstdint>
#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope::processes {

/// Sums terms number 0, 1, 2, ... along a binary tree over their numbers: blocks of 2^k terms that begin at a
/// multiple of 2^k are summed first, and what is left over is added from the right. Terms may come as sums of such
/// blocks that somebody else has made: the result has the same bits.
class TreeSum {
 public:
  struct Node {
    int64_t first = 0, count = 0;  // terms
    Tensor sum;
  };

  /// The next terms: those from node.first on, which must follow the ones before. Takes node.sum over and writes into
  /// it. Throws ValueError for terms that do not follow.
  void add(Node node);

  /// What cannot be summed further without other terms, in order.
  const std::vector<Node>& nodes() const { return nodes_; }

  /// The sum of all. Ends the sum: the object is empty again. Throws ValueError if there is none.
  Tensor take();

 private:
  void merge_last_two();

  std::vector<Node> nodes_;
};

/// Numbers first .. end - 1.
struct Stretch {
  int64_t first = 0, end = 0;
  int64_t count() const { return end - first; }
};

/// The nodes that the terms of `range` leave.
std::vector<Stretch> tree_nodes(const Stretch& range);

/// Which of `items` process `rank` of `size` works on: neighbours, as equal in number as can be.
Stretch share_of(int64_t items, int64_t rank, int64_t size);

}  // namespace noisescope::processes
