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

/// within: an equivalence test, the whole interval of a distance lies at or below the bar, so that a noisier estimate
/// passes less easily. reported: no bar, but to be read beside the rows that have one (a floor, a known limit).
enum class Direction { at_least, at_most, within, reported };

constexpr std::array<std::pair<Direction, const char*>, 4> enum_names(Direction) {
  return {{{Direction::at_least, "at least"},
           {Direction::at_most, "at most"},
           {Direction::within, "within"},
           {Direction::reported, "reported"}}};
}

struct VerifyRow {
  std::string method;   // id of the check, which is that of the method: "evidence"
  std::string subject;  // "exact demo", "trained demo"
  std::string figure;   // what is measured, with its unit
  Direction direction = Direction::at_least;
  double bar = 0;                       // not read where reported
  Estimate measured;                    // with its 95 % interval and n
  std::optional<double> reversal = {};  // where the interval does not say it: stats/estimate_of.h

  /// What is held against the bar: the point estimate, of `within` the end of the interval.
  double judged() const { return direction == Direction::within ? measured.high : measured.value; }
  /// It meets the bar, if there is one; a value that is not finite does not.
  bool pass() const;
  /// The chance that a replicate with other seeds reverses the verdict: what is judged is normal about the truth with
  /// the standard error of this interval, here and in the replicate, so their difference has twice its variance.
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
