#include "noisescope/processes/blocks.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope::processes {
namespace {

std::string refusal_of(const BlockRequest& request, int64_t processes) {
  try {
    blocks_of(request, processes);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

TEST(Blocks, AreAsFewAsGiveEachProcessWorkAndDivideTheBatch) {
  EXPECT_EQ(blocks_of({32}, 1), 1);
  EXPECT_EQ(blocks_of({32}, 2), 2);
  EXPECT_EQ(blocks_of({32}, 3), 4);
  EXPECT_EQ(blocks_of({32, 4}, 3), 1);
  EXPECT_EQ(blocks_of({6}, 5), 6);
  EXPECT_EQ(blocks_of({32, 1, 8}, 3), 8);
}

TEST(Blocks, RefuseWhatCannotBeShared) {
  EXPECT_NE(refusal_of({6}, 7).find("each of 7 processes, got train.batch_size 6"), std::string::npos);
  EXPECT_NE(refusal_of({8, 1, 3}, 1).find("train.blocks to divide train.batch_size 8, got 3"), std::string::npos);
  EXPECT_NE(refusal_of({8, 1, 2}, 3).find("train.blocks of at least 4 for 3 processes, got 2"), std::string::npos);
  EXPECT_EQ(refusal_of({8, 1, 4}, 3), "");
}

}  // namespace
}  // namespace noisescope::processes
