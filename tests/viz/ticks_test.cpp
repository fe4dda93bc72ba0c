#include "noisescope/viz/ticks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "noisescope/core/error.h"
#include "not_finite.h"

namespace noisescope {
namespace {

/// The labels of the ticks that have one.
std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> out;
  for (const Tick& tick : ticks) {
    if (!tick.label.empty()) out.push_back(tick.label);
  }
  return out;
}

using Strings = std::vector<std::string>;
using Ranges = std::vector<std::pair<double, double>>;

const Ranges kLinear = {{0, 1},           {0, 7},      {-3.2, 4.9},        {1e-7, 9e-7}, {-1e9, 3e12},
                        {12.001, 12.009}, {0, 100000}, {1000000, 1000007}, {1, 1.00004}, {-5000003, -5000000},
                        {1e-3, 2e-3}};

TEST(LinearTicks, StandAtOneTwoOrFiveTimesAPowerOfTen) {
  for (const auto& [low, high] : kLinear) {
    const std::vector<Tick> ticks = linear_ticks(low, high);
    ASSERT_GE(ticks.size(), 3U) << low << " " << high;
    EXPECT_LE(ticks.size(), 12U) << low << " " << high;
    const double step = (ticks.back().value - ticks.front().value) / (static_cast<double>(ticks.size()) - 1);
    const double lead = step / std::pow(10, std::floor(std::log10(step) + 1e-6));
    EXPECT_LT(std::min({std::abs(lead - 1), std::abs(lead - 2), std::abs(lead - 5)}), 1e-3)
        << low << " " << high << " step " << step;
    for (const Tick& tick : ticks) {
      EXPECT_NEAR(tick.value / step, std::round(tick.value / step), 1e-3);
    }
  }
}

TEST(LinearTicks, LieInsideOfTheRangeAndHoldItsRoundEnds) {
  for (const auto& [low, high] : kLinear) {
    const double slack = 1e-6 * (high - low);
    for (const Tick& tick : linear_ticks(low, high)) {
      EXPECT_GE(tick.value, low - slack);
      EXPECT_LE(tick.value, high + slack);
    }
  }
  EXPECT_EQ(labels(linear_ticks(0, 1)), (Strings{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(linear_ticks(0.1, 0.3, 2).back().label, "0.3");  // 3 * 0.1 > 0.3 in binary
}

TEST(LinearTicks, HaveDistinctLabels) {
  for (const auto& [low, high] : kLinear) {
    const Strings all = labels(linear_ticks(low, high));
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size())
        << low << " .. " << high << ": " << ::testing::PrintToString(all);
  }
}

TEST(LinearTicks, AreWrittenForReaders) {
  EXPECT_EQ(labels(linear_ticks(-1, 1, 4)), (Strings{"\u22121.0", "\u22120.5", "0.0", "0.5", "1.0"}));
  EXPECT_EQ(labels(linear_ticks(0, 40000, 2)), (Strings{"0", "20\u2009000", "40\u2009000"}));
  EXPECT_EQ(labels(linear_ticks(0, 2e6, 2)), (Strings{"0", "1\u00d710\u2076", "2\u00d710\u2076"}));
}

TEST(LinearTicks, AreMoreWhereMoreAreWanted) {
  EXPECT_LT(linear_ticks(0, 10, 2).size(), linear_ticks(0, 10, 12).size());
  EXPECT_EQ(labels(linear_ticks(0, 10, 10)).size(), 11U);
}

TEST(LinearTicks, RefuseRangesThatDoNotAscend) {
  for (const auto& [low, high] : Ranges{{1, 1}, {2, 1}, {kNan, 1}, {0, kNan}, {-kInf, 0}, {0, kInf}}) {
    EXPECT_THROW(linear_ticks(low, high), ValueError) << low << " " << high;
  }
}

TEST(LogTicks, NamePowersOfTenAndMarkTheDigitsBetween) {
  const std::vector<Tick> ticks = log_ticks(0.01, 1000);
  EXPECT_EQ(labels(ticks), (Strings{"0.01", "0.1", "1", "10", "100", "1000"}));
  EXPECT_EQ(ticks.size(), 5 * 9 + 1U);
  EXPECT_EQ(labels(log_ticks(1e-5, 1e-2)), (Strings{"10\u207b\u2075", "10\u207b\u2074", "10\u207b\u00b3", "0.01"}));
}

TEST(LogTicks, ThinOutOverManyDecades) {
  const std::vector<Tick> ticks = log_ticks(1e-12, 1e12, 6);
  EXPECT_EQ(labels(ticks), (Strings{"10\u207b\u00b9\u00b2", "10\u207b\u2078", "10\u207b\u2074", "1", "10\u2074",
                                    "10\u2078", "10\u00b9\u00b2"}));
  for (const Tick& tick : ticks) {
    const double exponent = std::log10(tick.value);
    EXPECT_NEAR(exponent, std::round(exponent), 1e-9);  // no digits between
  }
}

TEST(LogTicks, NameOneTwoAndFiveInShortSpans) {
  EXPECT_EQ(labels(log_ticks(0.1, 2)), (Strings{"0.1", "0.2", "0.5", "1", "2"}));
  EXPECT_EQ(labels(log_ticks(4, 60)), (Strings{"5", "10", "20", "50"}));
}

TEST(LogTicks, AscendInsideOfTheRangeWithAtLeastTwoNumbersForEverySpan) {
  for (const double low : {1e-9, 0.012, 0.21, 0.3, 1.0, 2.0, 3.1, 5.5, 820.0, 4e7}) {
    for (const double ratio : {1.001, 1.05, 1.2, 1.5, 2.0, 3.0, 9.0, 31.0, 32.0, 60.0, 1e3, 1e9}) {
      const std::vector<Tick> ticks = log_ticks(low, low * ratio);
      const Strings all = labels(ticks);
      EXPECT_GE(labels(log_ticks(low, low * ratio, 2)).size(), 2U) << low << " * " << ratio;
      EXPECT_GE(all.size(), 2U) << low << " * " << ratio;
      EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size())
          << low << " * " << ratio << ": " << ::testing::PrintToString(all);
      for (size_t k = 0; k < ticks.size(); ++k) {
        EXPECT_GE(ticks[k].value, low * (1 - 1e-6));
        EXPECT_LE(ticks[k].value, low * ratio * (1 + 1e-6));
        EXPECT_GT(ticks[k].value, k == 0 ? 0 : ticks[k - 1].value);
      }
    }
  }
}

TEST(LogTicks, RefuseRangesThatAreNotPositiveAndAscending) {
  for (const auto& [low, high] : Ranges{{0, 1}, {-1, 1}, {1, 1}, {2, 1}, {kNan, 1}, {1, kInf}}) {
    EXPECT_THROW(log_ticks(low, high), ValueError) << low << " " << high;
  }
}

}  // namespace
}  // namespace noisescope
