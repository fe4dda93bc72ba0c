// What the rows of `noisescope verify` can see: the smallest planted error that each catches.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/verify/planted_error.h"
#include "noisescope/verify/verify.h"

namespace noisescope::verify {

/// A row and a kind of error.
struct Power {
  std::string method, figure, subject;  // of the row
  std::string kind;                     // of the error, with its unit (planted_error.h)
  std::optional<double> smallest;       // caught with power .9 at the row's n; none: not even the largest tried
  double target = 0;

  bool ok() const { return smallest && *smallest <= target; }
};

/// By how many standard errors a row falls short of its bar; below 0 where it holds. Infinite where it has no interval.
double shortfall(const VerifyRow& row);

/// The smallest size from which on the shortfalls (of rising sizes, the first is 0) are at least 1.28, so that nine of
/// ten replicates fall; linear between sizes. None where the row falls short without an error, or never enough.
std::optional<double> smallest_caught(const std::vector<double>& sizes, const std::vector<double>& shortfalls);

/// Every row with a bar of the checks of `options` against every kind of error that moves any row of its check: a
/// check is asked at the largest size first, and at others only if a row falls there. One run a size, whose own chance
/// is in the row's interval. `notice` hears what is done.
std::vector<Power> measure_power(const VerifyOptions& options, const Model* trained, const Control& control = {},
                                 const std::function<void(const std::string&)>& notice = {});

/// [{method, figure, subject, kind, smallest, target, ok}]; smallest is null where there is none.
nlohmann::ordered_json to_json(const std::vector<Power>& powers);

}  // namespace noisescope::verify
