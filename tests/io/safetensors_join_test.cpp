#include "noisescope/io/safetensors_join.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

class SafetensorsJoin : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  fs::path write(const std::string& name, const std::string& tensor, const Tensor& values) const {
    write_safetensors(folder_ / name, {{{tensor, values}}, {}});
    return folder_ / name;
  }
  const fs::path folder_ = fs::path(::testing::TempDir()) / "safetensors_join";
};

TEST_F(SafetensorsJoin, IsTheFileOfTheWholeTensors) {
  const Tensor text = torch::arange(21, torch::kFloat32).view({7, 3});
  const Tensor image = (torch::arange(10) / 3.0).to(torch::kFloat16).view({5, 2});
  const std::vector<JoinedTensor> parts = {
      {"text",
       {write("a", "text", text.narrow(0, 0, 2)), write("b", "text", text.narrow(0, 2, 0)),
        write("c", "text", text.narrow(0, 2, 5))}},
      {"image", {write("d", "image", image)}}};
  join_safetensors(folder_ / "joined", parts, {{"k", "v"}});
  write_safetensors(folder_ / "whole", {{{"text", text}, {"image", image}}, {{"k", "v"}}});
  EXPECT_EQ(read_file(folder_ / "joined"), read_file(folder_ / "whole"));
}

TEST_F(SafetensorsJoin, PartsThatDoNotFit) {
  const fs::path first = write("a", "t", torch::zeros({2, 3}));
  const auto join = [&](const fs::path& second) { join_safetensors(folder_ / "joined", {{"t", {first, second}}}, {}); };
  EXPECT_THROW(join(write("b", "t", torch::zeros({2, 4}))), ShapeError);
  EXPECT_THROW(join(write("b", "t", torch::zeros({2, 3}, torch::kFloat16))), ShapeError);
  EXPECT_THROW(join(write("b", "t", torch::zeros({}))), ShapeError);
  EXPECT_THROW(join(write("b", "other", torch::zeros({2, 3}))), ModelError);
  EXPECT_FALSE(fs::exists(folder_ / "joined"));
}

}  // namespace
}  // namespace noisescope
