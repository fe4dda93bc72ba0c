#include "noisescope/io/json_file.h"

#include <gtest/gtest.h>

#include "noisescope/io/file.h"

namespace noisescope::io {
namespace {

TEST(JsonFile, NamesPathAndByteOfWhatIsNoJson) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "noisescope_damaged.json";
  write_file_atomic(path, R"({"a": 1})");
  EXPECT_EQ(read_json_file(path).at("a"), 1);
  write_file_atomic(path, R"({"a": 1)");
  try {
    read_json_file(path);
    FAIL() << "read what is no JSON";
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("byte 8"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace noisescope::io
