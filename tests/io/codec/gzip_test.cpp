#include "noisescope/io/codec/gzip.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// Made by Python: gzip.compress(b"#version\na b\n", mtime=0).
const std::string kGzip(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x53\x2e\x4b\x2d\x2a\xce\xcc\xcf\xe3\x4a\x54\x48\xe2\x02\x00"
    "\xc8\x12\x7b\x16\x0d\x00\x00\x00",
    33);

TEST(Gzip, UnpacksWhole) {
  EXPECT_TRUE(is_gzip(kGzip));
  EXPECT_FALSE(is_gzip("#version"));
  EXPECT_EQ(gunzip(kGzip, "a.gz", 13), "#version\na b\n");
}

TEST(Gzip, RefusesDamageAndBombs) {
  for (size_t length = 0; length < kGzip.size(); ++length) {
    EXPECT_THROW(gunzip(kGzip.substr(0, length), "a.gz", 1000), FormatError) << length;
  }
  std::string damaged = kGzip;
  damaged[15] = static_cast<char>(damaged[15] ^ 1);
  EXPECT_THROW(gunzip(damaged, "a.gz", 1000), FormatError);
  EXPECT_THROW(gunzip(kGzip + "x", "a.gz", 1000), FormatError);
  try {
    gunzip(kGzip, "a.gz", 12);
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find("at most 12 bytes"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace noisescope
