// The files themselves are read by NumPy: tests/io/codec/npz_oracle.py, which calls this test with
// a folder.
#include "noisescope/io/codec/npz.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "noisescope/io/array_file.h"
#include "noisescope/io/codec/archive.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

std::map<std::string, Tensor> arrays() {
  return {{"map", torch::arange(12, torch::kFloat32).view({3, 4}).t()},
          {"evidence.total", torch::tensor(2.5, torch::kFloat64)},
          {"mask", torch::tensor({true, false})},
          {"empty", torch::zeros({0, 4}, torch::kInt64)}};
}

TEST(Npz, IsAZipOfNpyFiles) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "noisescope_arrays.npz";
  write_npz(path, arrays());
  const auto source = open_file_source(path);
  EXPECT_EQ(source->names(), (std::vector<std::string>{"empty.npy", "evidence.total.npy", "map.npy", "mask.npy"}));
  EXPECT_EQ(source->read("map.npy"), encode_npy(arrays().at("map")));
  const std::string first = read_file(path);
  write_npz(path, arrays());
  EXPECT_EQ(read_file(path), first);
  EXPECT_THROW(write_npz(path, {{"a/b", torch::zeros({1})}}), ValueError);
  EXPECT_THROW(write_npz(path, {{"", torch::zeros({1})}}), ValueError);
  EXPECT_THROW(write_npz(path, {{"a", Tensor()}}), ValueError);
}

TEST(NpzOracle, WritesItsFile) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (!root) GTEST_SKIP() << "called by npz_oracle.py";
  write_npz(std::filesystem::path(root) / "ours.npz", arrays());
}

}  // namespace
}  // namespace noisescope
