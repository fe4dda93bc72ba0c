#include "noisescope/train/options.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

TEST(Budget, ReadsAmountAndUnit) {
  const auto expect = [](const char* text, BudgetUnit unit, double amount) {
    const Budget budget = parse_budget(text);
    EXPECT_EQ(budget.unit, unit) << text;
    EXPECT_DOUBLE_EQ(budget.amount, amount) << text;
  };
  expect("240s", BudgetUnit::seconds, 240);
  expect("1.5h", BudgetUnit::seconds, 5400);
  expect("10m", BudgetUnit::seconds, 600);
  expect("2000steps", BudgetUnit::steps, 2000);
  expect("1step", BudgetUnit::steps, 1);
  expect("5e4images", BudgetUnit::images, 50000);
  expect("0.5epochs", BudgetUnit::epochs, 0.5);
}

TEST(Budget, RefusesEverythingElse) {
  for (const char* text : {"", "240", "s", "-3s", "0s", "nans", "infs", "1e999s", "240 s", "3parsecs", "12stepss",
                           " 12s", "0x10s", "12s "}) {
    EXPECT_THROW(parse_budget(text), ValueError) << text;
  }
}

TEST(Budget, ItsTextIsReadBackExactly) {
  for (const char* text : {"240s", "1234567images", "0.1epochs", "123456789012steps"}) {
    EXPECT_EQ(to_string(parse_budget(text)), text);
  }
}

}  // namespace
}  // namespace noisescope
