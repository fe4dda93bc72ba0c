#include "noisescope/core/options.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "noisescope/core/tensor.h"

namespace noisescope {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

enum class Fruit { apple, pear };
NOISESCOPE_ENUM(Fruit, apple, pear)
constexpr std::array<std::pair<const char*, Fruit>, 1> enum_old_names(Fruit) { return {{{"quince", Fruit::pear}}}; }

enum class Size { small, very_large };
constexpr std::array<std::pair<Size, const char*>, 2> enum_names(Size) {
  return {{{Size::small, "small"}, {Size::very_large, "very large"}}};
}

struct Basket {
  double share = 0.5;
  double limit = 1;
  double scale = 1;
  int64_t patch = 1;
  std::vector<double> weights = {1};
  Fruit fruit = Fruit::apple;
  bool open = false;
  std::string name;
};
void describe(Describer& d, Basket& o) {
  d("share", o.share, "", {.min = 0, .max = 1, .above_min = true, .below_max = true});
  d("limit", o.limit, "", {.min = 0});
  d("scale", o.scale, "", {.above_min = true, .below_max = true});
  d("patch", o.patch, "", {.only = {1, 2, 4}});
  d("weights", o.weights, "", {.min = 0, .above_min = true, .below_max = true});
  d("fruit", o.fruit, "");
  d("open", o.open, "");
  d("name", o.name, "");
}

struct Cart {
  Basket basket;
};
void describe(Describer& d, Cart& o) { d.section("basket", o.basket, ""); }

/// What check_options says of a basket; "" if nothing.
template <class Change>
std::string complaint(const Change& change) {
  Cart cart;
  change(cart.basket);
  try {
    check_options("test.pack", cart);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

TEST(Options, EnumsGoByName) {
  EXPECT_EQ(to_string(Fruit::pear), "pear");
  EXPECT_EQ(parse_enum<Fruit>("apple"), Fruit::apple);
  EXPECT_THROW(parse_enum<Fruit>("plum"), ValueError);
}

TEST(Options, EnumTablesStandInTheOrderGiven) {
  constexpr auto table = enum_names(Fruit{});
  static_assert(table.size() == 2 && table[0].first == Fruit::apple && table[1].second == "pear");
  EXPECT_EQ(enum_choices<Fruit>(), (std::vector<std::string>{"apple", "pear"}));
  EXPECT_EQ(to_string(Size::very_large), "very large");  // a table by hand
  EXPECT_EQ(parse_enum<Size>("very large"), Size::very_large);
  EXPECT_EQ(enum_old_choices<Fruit>(), (std::vector<std::pair<std::string, std::string>>{{"quince", "pear"}}));
  EXPECT_TRUE(enum_old_choices<Size>().empty());
}

TEST(Options, RangesHoldTheirEndsUnlessTheseAreOut) {
  const Range closed{.min = 0, .max = 1};
  const Range open{.min = 0, .max = 1, .above_min = true, .below_max = true};
  for (const double end : {0.0, 1.0}) {
    EXPECT_TRUE(closed.holds(end));
    EXPECT_FALSE(open.holds(end));
  }
  EXPECT_TRUE(open.holds(0.5));
  EXPECT_TRUE(Range{}.holds(-kInf));
  EXPECT_TRUE((Range{.min = 0}.holds(kInf)));
  EXPECT_FALSE((Range{.below_max = true}.holds(kInf)));
  EXPECT_FALSE((Range{.above_min = true}.holds(-kInf)));
  EXPECT_TRUE((Range{.only = {1, 2, 4}}.holds(2)));
  EXPECT_FALSE((Range{.only = {1, 2, 4}}.holds(3)));
}

TEST(Options, RangesNeverHoldNan) {
  EXPECT_FALSE(Range{}.holds(kNan));
  EXPECT_FALSE((Range{.min = 0, .max = 1}.holds(kNan)));
  EXPECT_FALSE((Range{.only = {1, 2}}.holds(kNan)));
}

TEST(Options, RangesReadAsText) {
  EXPECT_EQ(Range{}.text(), "");
  EXPECT_EQ((Range{.min = 0.5, .max = 1e6}.text()), "between 0.5 and 1e+06");
  EXPECT_EQ((Range{.min = 0, .max = 1, .above_min = true}.text()), "between 0 (excluded) and 1");
  EXPECT_EQ((Range{.min = 0, .max = 1, .below_max = true}.text()), "between 0 and 1 (excluded)");
  EXPECT_EQ((Range{.min = 2}.text()), "at least 2");
  EXPECT_EQ((Range{.max = 2, .below_max = true}.text()), "below 2");
  EXPECT_EQ((Range{.min = 0, .above_min = true}.text()), "above 0");
  EXPECT_EQ((Range{.min = 0, .above_min = true, .below_max = true}.text()), "above 0 and finite");
  EXPECT_EQ((Range{.above_min = true, .below_max = true}.text()), "finite");
  EXPECT_EQ((Range{.only = {1, 2.5}}.text()), "one of 1, 2.5");
}

TEST(Options, CheckOptionsNamesTheFieldTheRangeAndTheValue) {
  EXPECT_EQ(complaint([](Basket&) {}), "");
  EXPECT_EQ(complaint([](Basket& o) { o.share = 1; }),
            "[test.pack] expected share to be between 0 (excluded) and 1 (excluded), got 1");
  EXPECT_EQ(complaint([](Basket& o) { o.patch = 3; }), "[test.pack] expected patch to be one of 1, 2, 4, got 3");
  EXPECT_EQ(complaint([](Basket& o) { o.limit = kInf; }), "");
  EXPECT_EQ(complaint([](Basket& o) { o.limit = kNan; }), "[test.pack] expected limit to be at least 0, got nan");
  EXPECT_EQ(complaint([](Basket& o) { o.scale = kInf; }), "[test.pack] expected scale to be finite, got .inf");
  EXPECT_EQ(complaint([](Basket& o) {
              o.weights = {1, 0};
            }),
            "[test.pack] expected weights to be above 0 and finite, got 0");
}

TEST(Options, CheckOptionsLeavesTheOptionsAlone) {
  Basket basket;
  basket.fruit = Fruit::pear;
  EXPECT_NO_THROW(check_options("test.pack", std::as_const(basket)));
  EXPECT_EQ(basket.fruit, Fruit::pear);
}

TEST(Format, WritesNumbersWithTheirShortestText) {
  EXPECT_EQ(format_text("{} and {}", 0.1, 1e-9), "0.1 and 1e-09");
  EXPECT_EQ(format_text("{:.3f}, {}, {{}}", 2.0, std::string("two")), "2.000, two, {}");
  EXPECT_EQ(format_text("{:08}", int64_t{42}), "00000042");
}

TEST(Options, NearestNameFindsTypingErrorsAndOnlyThose) {
  const std::vector<std::string> names = {"learning_rate", "batch_size", "seed"};
  EXPECT_EQ(nearest_name("lerning_rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("batchsize", names), "batch_size");
  EXPECT_EQ(nearest_name("sede", names), "seed");
  EXPECT_EQ(nearest_name("zzzzzzzz", names), "");
  EXPECT_EQ(nearest_name("dog", {"of", "do"}), "do");
  EXPECT_EQ(nearest_name("dog", {"of", "a"}), "");  // most of it would have to change
  EXPECT_EQ(nearest_name("hart", {"star", "heart"}), "heart");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), names), "");
}

TEST(Tensor, ShapeErrorsNameFunctionArgumentAndSizes) {
  try {
    check_shape("nn.unet", "x", torch::zeros({2, 3}), {-1, 3, 32, 32});
    FAIL() << "no error";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "[nn.unet] expected x of shape [any, 3, 32, 32], got [2, 3] float");
  }
  EXPECT_NO_THROW(check_shape("f", "x", torch::zeros({2, 3}), {2, -1}));
  EXPECT_THROW(check_shape("f", "x", Tensor(), {2}), ShapeError);
  EXPECT_THROW(check_dtype("f", "x", torch::zeros({2}), torch::kFloat64), ShapeError);
}

}  // namespace
}  // namespace noisescope
