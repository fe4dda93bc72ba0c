#include "noisescope/studio/door.h"

#include <gtest/gtest.h>

namespace noisescope {
namespace {

TEST(Door, LetsInItsOwnAddressAlone) {
  const Door door("127.0.0.1", 8431);
  EXPECT_TRUE(door.is_addressed({"127.0.0.1:8431", "", "", ""}));
  EXPECT_TRUE(door.is_addressed({"localhost:8431", "http://localhost:8431", "", ""}));
  EXPECT_TRUE(door.is_addressed({"127.0.0.1:8431", "http://127.0.0.1:8431", "", ""}));
  EXPECT_FALSE(door.is_addressed({"rebound.example:8431", "", "", ""}));
  EXPECT_FALSE(door.is_addressed({"127.0.0.1:8432", "", "", ""}));
  EXPECT_FALSE(door.is_addressed({"", "", "", ""}));
  EXPECT_FALSE(door.is_addressed({"127.0.0.1:8431", "http://evil.example", "", ""}));
  EXPECT_FALSE(door.is_addressed({"127.0.0.1:8431", "https://127.0.0.1:8431", "", ""}));
  EXPECT_FALSE(door.is_addressed({"127.0.0.1:8431", "null", "", ""}));
}

TEST(Door, KnowsItsToken) {
  const Door door("127.0.0.1", 8431);
  const std::string& token = door.token();
  EXPECT_EQ(token.size(), 32u);
  EXPECT_NE(token, Door("127.0.0.1", 8431).token());
  EXPECT_TRUE(door.is_known({"", "", "a=b; noisescope-8431=" + token + "; c=d", ""}));
  EXPECT_TRUE(door.is_known({"", "", "", "Bearer " + token}));
  EXPECT_FALSE(door.is_known({"", "", "noisescope-8432=" + token, ""}));
  EXPECT_FALSE(door.is_known({"", "", "xnoisescope-8431=" + token, ""}));
  EXPECT_FALSE(door.is_known({"", "", "noisescope-8431=" + token + "0", ""}));
  EXPECT_FALSE(door.is_known({"", "", "noisescope-8431=" + token.substr(1), "Bearer"}));
  EXPECT_FALSE(door.is_known({"", "", "noisescope-8431=", "Basic " + token}));
}

TEST(Door, WritesSixthVersionAddressesInBrackets) { EXPECT_EQ(Door("::1", 80).name(), "[::1]:80"); }

}  // namespace
}  // namespace noisescope
