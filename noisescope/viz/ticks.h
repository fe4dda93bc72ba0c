// Where an axis gets its numbers. No torch here.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::viz {

struct Tick {
  double value = 0;
  std::string label;  // empty: a minor tick
};

/// About `wanted` ticks at 1, 2 or 5 times a power of ten within [low, high], all with equally many
/// decimals. Throws ValueError unless low < high, both finite.
std::vector<Tick> linear_ticks(double low, double high, int wanted = 6);

/// Powers of ten within [low, high] (labelled "10^k" with a superscript, plain from 0.01 to 1000), with
/// minor ticks at 2 .. 9 between; every n-th power where there are many. Spans of less than a decade
/// and a half get labelled ticks at 1, 2, 5, those that hold fewer than two of these linear_ticks():
/// there are always two numbers. Throws ValueError unless 0 < low < high.
std::vector<Tick> log_ticks(double low, double high, int wanted = 6);

}  // namespace noisescope::viz
