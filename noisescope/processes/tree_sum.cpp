#include "noisescope/processes/tree_sum.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::processes {
namespace {

bool siblings(const TreeSum::Node& left, const TreeSum::Node& right) {
  return left.count == right.count && left.first % (2 * left.count) == 0;
}

}  // namespace

void TreeSum::add(Node node) {
  if (!nodes_.empty() && node.first != nodes_.back().first + nodes_.back().count) {
    throw ValueError(format_text("[processes.TreeSum] expected term {} next, got {}",
                                 nodes_.back().first + nodes_.back().count, node.first));
  }
  nodes_.push_back(std::move(node));
  while (nodes_.size() > 1 && siblings(nodes_[nodes_.size() - 2], nodes_.back())) merge_last_two();
}

Tensor TreeSum::take() {
  if (nodes_.empty()) throw ValueError("[processes.TreeSum] expected terms, got none");
  while (nodes_.size() > 1) merge_last_two();
  const Tensor sum = nodes_.front().sum;
  nodes_.clear();
  return sum;
}

void TreeSum::merge_last_two() {
  const Node right = std::move(nodes_.back());
  nodes_.pop_back();
  nodes_.back().sum.add_(right.sum);
  nodes_.back().count += right.count;
}

std::vector<Stretch> tree_nodes(const Stretch& range) {
  std::vector<Stretch> nodes;
  for (int64_t first = range.first; first < range.end;) {
    int64_t count = 1;
    while (first % (2 * count) == 0 && first + 2 * count <= range.end) count *= 2;
    nodes.push_back({first, first + count});
    first += count;
  }
  return nodes;
}

Stretch share_of(int64_t items, int64_t rank, int64_t size) { return {items * rank / size, items * (rank + 1) / size}; }

}  // namespace noisescope::processes
