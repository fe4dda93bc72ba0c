#include "noisescope/core/options.h"

#include <charconv>
#include <cmath>
#include <numeric>

#include "noisescope/core/format.h"

namespace noisescope {
namespace {

/// Letters to put in, to leave out, to replace or, beside each other, to exchange (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1));
  std::iota(table[0].begin(), table[0].end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    table[i][0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, substitute});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::string number_text(double value) {
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return std::string(buffer.data(), end);
}

bool Range::holds(double value) const {
  if (!(above_min ? value > min : value >= min) || !(below_max ? value < max : value <= max)) return false;
  return only.empty() || std::find(only.begin(), only.end(), value) != only.end();
}

std::string Range::text() const {
  if (!choices.empty()) return "one of " + join(choices);
  if (!only.empty()) {
    std::vector<std::string> numbers;
    for (const double value : only) numbers.push_back(number_text(value));
    return "one of " + join(numbers);
  }
  const bool low = std::isfinite(min), high = std::isfinite(max);
  const std::string bottom = number_text(min), top = number_text(max);
  if (low && high) {
    const auto open = [](bool excluded) { return excluded ? " (excluded)" : ""; };
    return format_text("between {}{} and {}{}", bottom, open(above_min), top, open(below_max));
  }
  if (low) return format_text("{} {}{}", above_min ? "above" : "at least", bottom, below_max ? " and finite" : "");
  if (high) return format_text("{} {}{}", below_max ? "below" : "at most", top, above_min ? " and finite" : "");
  return above_min || below_max ? "finite" : "";
}

void RangeChecker::check(const Field& field, double value) const {
  if (field.range.holds(value)) return;
  const std::string range = field.range.text();
  throw ValueError(format_text("[{}] expected {} to be {}, got {}", where_, field.name,
                               range.empty() ? "a number" : range, number_text(value)));
}

std::string nearest_name(std::string_view text, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestName = 64;  // beyond that it is no typing error
  if (text.size() > kLongestName) return "";
  std::string best;
  size_t best_distance = std::max<size_t>(1, (text.size() + 1) / 3) + 1;
  for (const std::string& candidate : candidates) {
    // The lengths alone are apart too far: spares long and hostile vocabularies.
    if (candidate.size() >= text.size() + best_distance || text.size() >= candidate.size() + best_distance) continue;
    const size_t distance = edit_distance(text, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i) out += separator;
    out += parts[i];
  }
  return out;
}

}  // namespace noisescope
