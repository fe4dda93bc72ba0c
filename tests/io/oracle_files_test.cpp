// Files exchanged with safetensors_oracle.py, which calls this test with a folder to use.
#include <cstdlib>

#include <gtest/gtest.h>

#include "noisescope/io/array_file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

TEST(OracleFiles, AreExchanged) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (!root) GTEST_SKIP() << "called by safetensors_oracle.py";
  const std::filesystem::path folder = root;
  // What the reference wrote is written again by us, in both formats.
  const TensorFile theirs = read_safetensors(folder / "theirs.safetensors");
  write_safetensors(folder / "ours.safetensors", theirs);
  for (const auto& [name, tensor] : theirs.tensors) {
    write_npy(folder / (name + ".npy"), read_npy(folder / (name + ".theirs.npy")));
    EXPECT_TRUE(torch::equal(read_npy(folder / (name + ".theirs.npy")), tensor)) << name;
  }
}

}  // namespace
}  // namespace noisescope
