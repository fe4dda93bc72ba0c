// One line of `noisescope verify`: a figure, the bar it must meet, and what was measured.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/core/options.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::verify {

/// reported: no bar, but to be read beside the rows that have one (a floor, a known limit).
enum class Direction { at_least, at_most, reported };

constexpr std::array<std::pair<Direction, const char*>, 3> enum_names(Direction) {
  return {{{Direction::at_least, "at least"}, {Direction::at_most, "at most"}, {Direction::reported, "reported"}}};
}

struct VerifyRow {
  std::string method;   // id of the check, which is that of the method: "evidence"
  std::string subject;  // "exact demo", "trained demo"
  std::string figure;   // what is measured, with its unit
  Direction direction = Direction::at_least;
  double bar = 0;                       // not read where reported
  Estimate measured;                    // with its 95 % interval and n
  std::optional<double> reversal = {};  // where the interval does not say it: stats/estimate_of.h

  /// The point estimate meets the bar, if there is one; a value that is not finite does not.
  bool pass() const;
  /// How often a row whose point estimate comes from a normal distribution with this interval and
  /// mean would fall on the other side of the bar: the chance that other seeds reverse the verdict;
  /// `reversal` where it is given. 0 without a bar.
  double reversal_chance() const;
};

/// "bar" is null where reported.
nlohmann::ordered_json to_json(const VerifyRow& row);

/// ">= 0.9", or "reported".
std::string bar_text(const VerifyRow& row);

/// The rows as a table for a terminal, one line each.
std::string to_table(const std::vector<VerifyRow>& rows);

}  // namespace noisescope::verify
