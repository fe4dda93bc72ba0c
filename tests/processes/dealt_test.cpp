#include "noisescope/processes/dealt.h"

#include <atomic>

#include <gtest/gtest.h>

#include "noisescope/core/random.h"
#include "tests/processes/joined.h"

namespace noisescope::processes {
namespace {

std::vector<Tensor> matrices() {
  std::vector<Tensor> tensors;
  for (const int64_t side : {3, 8, 5, 2}) {
    tensors.push_back(
        Random(2).normal(Purpose::train_noise, static_cast<uint64_t>(side), {0}, {side, 4, 3, 3}).squeeze(0));
  }
  tensors[1] = tensors[1].contiguous(torch::MemoryFormat::ChannelsLast);
  return tensors;
}

std::vector<Tensor> squares(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> results;
  for (const Tensor& tensor : tensors) results.push_back(tensor.square());
  return results;
}

TEST(Dealt, GivesAllResultsToAllAndDoesEachOnce) {
  const std::vector<Tensor> tensors = matrices();
  for (const int64_t size : {1, 2, 3, 6}) {
    std::atomic<size_t> done = 0;
    const auto thrown = joined(size, [&](const std::shared_ptr<Group>& group) {
      const std::vector<Tensor> results = dealt(*group, tensors, {3, 8, 5, 2}, [&](const std::vector<Tensor>& own) {
        done += own.size();
        return squares(own);
      });
      for (size_t k = 0; k < tensors.size(); ++k) {
        EXPECT_TRUE(torch::equal(results[k], tensors[k].square()));
        EXPECT_EQ(results[k].strides(), tensors[k].strides());
      }
    });
    for (const std::string& words : thrown) EXPECT_EQ(words, "");
    EXPECT_EQ(done, tensors.size()) << size << " processes";
  }
}

}  // namespace
}  // namespace noisescope::processes
