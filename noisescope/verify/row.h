// One line of `noisescope verify`: a figure, the bar it must meet, and what was measured.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/core/options.h"
#include "noisescope/evaluate/statistics.h"

namespace noisescope {

enum class Direction { at_least, at_most };

constexpr std::array<std::pair<Direction, const char*>, 2> enum_names(Direction) {
  return {{{Direction::at_least, "at least"}, {Direction::at_most, "at most"}}};
}

struct VerifyRow {
  std::string method;   // "evidence filtering"
  std::string subject;  // "exact demo", "trained demo"
  std::string figure;   // what is measured, with its unit
  Direction direction = Direction::at_least;
  double bar = 0;
  Estimate measured;  // with its 95 % interval and n

  /// The point estimate meets the bar; a value that is not finite does not.
  bool pass() const;
  /// How often a row whose point estimate comes from a normal distribution with this interval and mean
  /// would fall on the other side of the bar: the chance that other seeds reverse the verdict.
  double reversal_chance() const;
};

nlohmann::ordered_json to_json(const VerifyRow& row);

/// The rows as a table for a terminal, one line each.
std::string to_table(const std::vector<VerifyRow>& rows);

}  // namespace noisescope
