#include "noisescope/processes/dealt.h"

#include <algorithm>
#include <numeric>

namespace noisescope::processes {
namespace {

/// The tensors of each process.
using Hands = std::vector<std::vector<size_t>>;

Hands deal_by_cost(const std::vector<double>& costs, int64_t size) {
  std::vector<size_t> order(costs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return costs[a] > costs[b]; });
  Hands hands(static_cast<size_t>(size));
  std::vector<double> load(hands.size(), 0.0);
  for (const size_t item : order) {
    const auto least = static_cast<size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    hands[least].push_back(item);
    load[least] += costs[item];
  }
  return hands;
}

int64_t numbers_in(const std::vector<size_t>& hand, const std::vector<Tensor>& tensors) {
  return std::accumulate(hand.begin(), hand.end(), int64_t{0},
                         [&](int64_t sum, size_t item) { return sum + tensors[item].numel(); });
}

/// The numbers from `offset` on, in shape and memory order of `like`.
Tensor piece_like(const Tensor& like, const Tensor& flat, int64_t offset) {
  return flat.as_strided(like.sizes(), like.strides(), offset);
}

}  // namespace

std::vector<Tensor> dealt(Group& group, const std::vector<Tensor>& tensors, const std::vector<double>& costs,
                          const std::function<std::vector<Tensor>(const std::vector<Tensor>&)>& work) {
  if (group.is_alone() || tensors.empty()) return work(tensors);
  const Hands hands = deal_by_cost(costs, group.size());
  int64_t longest = 0;
  for (const auto& hand : hands) longest = std::max(longest, numbers_in(hand, tensors));

  std::vector<Tensor> own;
  for (const size_t item : hands[static_cast<size_t>(group.rank())]) own.push_back(tensors[item]);
  if (!own.empty()) own = work(own);
  const Tensor mine = torch::empty({longest}, torch::kFloat32);
  int64_t offset = 0;
  for (const Tensor& result : own) {
    piece_like(result, mine, offset).copy_(result);
    offset += result.numel();
  }
  const Tensor all = torch::empty({group.size() * longest}, torch::kFloat32);
  group.begin_gather(all, mine)->wait();

  std::vector<Tensor> results(tensors.size());
  for (size_t rank = 0; rank < hands.size(); ++rank) {
    offset = static_cast<int64_t>(rank) * longest;
    for (const size_t item : hands[rank]) {
      results[item] = piece_like(tensors[item], all, offset).to(tensors[item].device());
      offset += tensors[item].numel();
    }
  }
  return results;
}

}  // namespace noisescope::processes
