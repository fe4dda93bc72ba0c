#include "noisescope/processes/tree_sum.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope::processes {
namespace {

/// Terms whose sum depends on the order of addition.
std::vector<Tensor> uneven_terms(int64_t count) {
  std::vector<Tensor> terms;
  for (int64_t k = 0; k < count; ++k) {
    const Tensor values = Random(7).normal(Purpose::train_noise, 0, {k}, {257}).flatten();
    terms.push_back(values * std::pow(10.0, static_cast<double>(k % 5)));
  }
  return terms;
}

std::vector<TreeSum::Node> nodes_of_share(const std::vector<Tensor>& terms, const Stretch& share) {
  TreeSum sum;
  for (int64_t k = share.first; k < share.end; ++k) sum.add({k, 1, terms[static_cast<size_t>(k)].clone()});
  return sum.nodes();
}

Tensor shared_sum(const std::vector<Tensor>& terms, int64_t processes) {
  TreeSum sum;
  for (int64_t rank = 0; rank < processes; ++rank) {
    const auto count = static_cast<int64_t>(terms.size());
    for (const TreeSum::Node& node : nodes_of_share(terms, share_of(count, rank, processes))) sum.add(node);
  }
  return sum.take();
}

TEST(TreeSum, HasTheSameBitsHoweverManyShareIt) {
  for (const int64_t count : {1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 23}) {
    const std::vector<Tensor> terms = uneven_terms(count);
    const Tensor alone = shared_sum(terms, 1);
    for (int64_t processes = 2; processes <= std::min<int64_t>(count, 8); ++processes) {
      EXPECT_TRUE(torch::equal(shared_sum(terms, processes), alone))
          << count << " terms, " << processes << " processes";
    }
  }
}

TEST(TreeSum, DiffersFromTheSumInRankOrderWhereOrderMatters) {
  const std::vector<Tensor> terms = uneven_terms(7);
  Tensor in_order = terms[0].clone();
  for (size_t k = 1; k < terms.size(); ++k) in_order.add_(terms[k]);
  EXPECT_FALSE(torch::equal(shared_sum(terms, 1), in_order));
  EXPECT_TRUE(torch::allclose(shared_sum(terms, 1), in_order, 1e-4, 1e-2));
}

TEST(TreeSum, NodesAreThoseThatAShareLeaves) {
  for (int64_t count = 1; count < 20; ++count) {
    const std::vector<Tensor> terms = uneven_terms(count);
    for (int64_t first = 0; first < count; ++first) {
      const Stretch share{first, count};
      const std::vector<TreeSum::Node> left = nodes_of_share(terms, share);
      const std::vector<Stretch> said = tree_nodes(share);
      ASSERT_EQ(said.size(), left.size());
      for (size_t k = 0; k < said.size(); ++k) {
        EXPECT_EQ(said[k].first, left[k].first);
        EXPECT_EQ(said[k].count(), left[k].count);
      }
    }
  }
}

TEST(TreeSum, SharesCoverAllItemsOnceAndEvenly) {
  for (int64_t items = 0; items < 30; ++items) {
    for (int64_t size = 1; size < 9; ++size) {
      int64_t next = 0;
      for (int64_t rank = 0; rank < size; ++rank) {
        const Stretch share = share_of(items, rank, size);
        EXPECT_EQ(share.first, next);
        EXPECT_LE(share.count(), (items + size - 1) / size);
        EXPECT_GE(share.count(), items / size);
        next = share.end;
      }
      EXPECT_EQ(next, items);
    }
  }
}

TEST(TreeSum, RefusesTermsOutOfOrderAndEmptySums) {
  TreeSum sum;
  EXPECT_THROW(sum.take(), ValueError);
  sum.add({0, 1, torch::ones({2})});
  EXPECT_THROW(sum.add({2, 1, torch::ones({2})}), ValueError);
}

}  // namespace
}  // namespace noisescope::processes
