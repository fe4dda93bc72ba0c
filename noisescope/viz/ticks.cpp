#include "noisescope/viz/ticks.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/viz/text.h"

namespace noisescope::viz {
namespace {

void check_span(const char* where, double low, double high, bool valid) {
  if (valid && std::isfinite(low) && std::isfinite(high) && low < high) return;
  throw ValueError(format_text("[{}] expected an ascending range, got {} .. {}; logarithmic axes need positive ends",
                               where, low, high));
}

/// The power of ten in words of an axis.
std::string power_label(int exponent) {
  if (exponent >= -2 && exponent <= 3) return format_number(std::pow(10.0, exponent), 1);
  return "10" + superscript(exponent);
}

/// Thin spaces between thousands where a number is hard to read without.
std::string grouped(std::string digits) {
  const size_t whole = std::min(digits.find('.'), digits.size());
  if (whole < 5) return digits;
  for (size_t at = whole; at > 3;) digits.insert(at -= 3, "\u2009");
  return digits;
}

}  // namespace

std::vector<Tick> linear_ticks(double low, double high, int wanted) {
  check_span("viz.linear_ticks", low, high, true);
  const double raw = (high - low) / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  const double step = power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  std::vector<Tick> ticks;
  // Enough digits to tell neighbours apart where they are written in powers of ten.
  const double largest = std::max(std::abs(low), std::abs(high));
  const int digits =
      std::max(4, 1 + static_cast<int>(std::floor(std::log10(largest)) - std::floor(std::log10(step) + 1e-9)));
  const double slack = 1e-9 * (high - low);
  const auto first = static_cast<int64_t>(std::ceil((low - slack) / step));
  const auto last = static_cast<int64_t>(std::floor((high + slack) / step));
  for (int64_t k = first; k <= last; ++k) {
    const double value = static_cast<double>(k) * step;
    if (decimals > 4 || largest >= 1e6) {
      ticks.push_back({value, format_number(value, digits)});
      continue;
    }
    ticks.push_back({value, (k < 0 ? "\u2212" : "") + grouped(format_text("{:.{}f}", std::abs(value), decimals))});
  }
  return ticks;
}

std::vector<Tick> log_ticks(double low, double high, int wanted) {
  check_span("viz.log_ticks", low, high, low > 0);
  const double slack = 1e-9;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::floor(std::log10(high) + slack));
  const double decades = std::log10(high / low);
  const auto powers = [&](int every) {  // how many are in the range
    int count = 0;
    for (int e = static_cast<int>(std::ceil(std::log10(low) - slack)); e <= last; ++e) {
      count += e % every == 0;
    }
    return count;
  };
  int every = std::max(1, static_cast<int>(std::ceil(decades / std::max(1, wanted))));
  while (every > 1 && powers(every) < 2) --every;
  const bool by_digits = decades < 1.5 || powers(1) < 2;
  int names = 0;
  std::vector<Tick> ticks;
  for (int exponent = first; exponent <= last; ++exponent) {
    for (int digit = 1; digit <= 9; ++digit) {
      const double value = digit * std::pow(10.0, exponent);
      if (value < low * (1 - slack) || value > high * (1 + slack)) continue;
      const bool named = by_digits ? digit == 1 || digit == 2 || digit == 5 : digit == 1 && exponent % every == 0;
      if (!named && digit > 1 && every > 1) continue;
      names += named;
      ticks.push_back({value, !named ? "" : by_digits ? format_number(value, 1) : power_label(exponent)});
    }
  }
  // An axis with one number has no scale.
  return names >= 2 ? ticks : linear_ticks(low, high, std::max(4, wanted));
}

}  // namespace noisescope::viz
