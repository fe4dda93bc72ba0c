#include "noisescope/core/options.h"

#include <gtest/gtest.h>

#include "noisescope/core/tensor.h"

namespace noisescope {
namespace {

enum class Fruit { apple, pear };
constexpr std::array<std::pair<Fruit, const char*>, 2> enum_names(Fruit) {
  return {{{Fruit::apple, "apple"}, {Fruit::pear, "pear"}}};
}

TEST(Options, EnumsGoByName) {
  EXPECT_EQ(to_string(Fruit::pear), "pear");
  EXPECT_EQ(parse_enum<Fruit>("apple"), Fruit::apple);
  EXPECT_THROW(parse_enum<Fruit>("plum"), ValueError);
}

TEST(Options, NearestNameFindsTypingErrorsAndOnlyThose) {
  const std::vector<std::string> names = {"learning_rate", "batch_size", "seed"};
  EXPECT_EQ(nearest_name("lerning_rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("batchsize", names), "batch_size");
  EXPECT_EQ(nearest_name("sede", names), "seed");
  EXPECT_EQ(nearest_name("zzzzzzzz", names), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), names), "");
}

TEST(Tensor, ShapeErrorsNameFunctionArgumentAndSizes) {
  try {
    check_shape("nn.unet", "x", torch::zeros({2, 3}), {-1, 3, 32, 32});
    FAIL() << "no error";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(),
                 "[nn.unet] expected x of shape [any, 3, 32, 32], got [2, 3] float");
  }
  EXPECT_NO_THROW(check_shape("f", "x", torch::zeros({2, 3}), {2, -1}));
  EXPECT_THROW(check_shape("f", "x", Tensor(), {2}), ShapeError);
  EXPECT_THROW(check_dtype("f", "x", torch::zeros({2}), torch::kFloat64), ShapeError);
}

}  // namespace
}  // namespace noisescope
