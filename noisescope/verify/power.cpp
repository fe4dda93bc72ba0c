#include "noisescope/verify/power.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace noisescope::verify {
namespace {

constexpr double kPowerScore = 1.2815515655446004;  // 90 % quantile of the standard normal

VerifyRows rows_at(const VerifyOptions& options, const std::string& check, const Seams& seams, const Model* trained,
                   const Control& control) {
  VerifyOptions one = options;
  one.checks = {check};
  return run_checks(one, seams, trained, control).rows;
}

/// The row of the same figure and subject.
const VerifyRow* same_row(const VerifyRows& rows, const VerifyRow& wanted) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const VerifyRow& row) {
    return row.figure == wanted.figure && row.subject == wanted.subject;
  });
  return found == rows.end() ? nullptr : &*found;
}

/// One row over the sizes of an error; a row that is not there at a size falls.
Power power_of(const VerifyRow& plain, const PlantedError& error, const std::vector<VerifyRows>& planted) {
  std::vector<double> sizes = {0}, shortfalls = {shortfall(plain)};
  for (size_t i = 0; i < planted.size(); ++i) {
    const VerifyRow* row = same_row(planted[i], plain);
    sizes.push_back(error.sizes[i]);
    shortfalls.push_back(row ? shortfall(*row) : std::numeric_limits<double>::infinity());
  }
  return {plain.method, plain.figure, plain.subject, error.kind, smallest_caught(sizes, shortfalls), error.target};
}

bool any_falls(const VerifyRows& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const VerifyRow& row) { return !row.pass(); });
}

}  // namespace

double shortfall(const VerifyRow& row) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!std::isfinite(row.measured.value)) return kInfinity;
  const double by = row.direction == Direction::at_least ? row.bar - row.judged() : row.judged() - row.bar;
  const double error = standard_error(row.measured);
  return error > 0 ? by / error : by > 0 ? kInfinity : -kInfinity;
}

std::optional<double> smallest_caught(const std::vector<double>& sizes, const std::vector<double>& shortfalls) {
  if (shortfalls.front() > 0) return std::nullopt;
  size_t first = sizes.size();  // of the last stretch that is caught
  while (first > 0 && shortfalls[first - 1] >= kPowerScore) --first;
  if (first == sizes.size()) return std::nullopt;
  const double before = shortfalls[first - 1], there = shortfalls[first];
  if (!std::isfinite(before) || !std::isfinite(there)) return sizes[first];
  return std::lerp(sizes[first - 1], sizes[first], (kPowerScore - before) / (there - before));
}

std::vector<Power> measure_power(const VerifyOptions& options, const Model* trained, const Control& control,
                                 const std::function<void(const std::string&)>& notice) {
  std::vector<Power> powers;
  for (const Check& check : checks()) {
    const auto& wanted = options.checks;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), check.id) == wanted.end()) continue;
    const VerifyRows plain = rows_at(options, check.id, {}, trained, control);
    for (const PlantedError& error : planted_errors()) {
      if (!error.check.empty() && error.check != check.id) continue;
      if (notice) notice(check.id + ": " + error.kind);
      std::vector<VerifyRows> planted = {rows_at(options, check.id, error.plant(error.sizes.back()), trained, control)};
      if (!any_falls(planted.front())) continue;
      for (size_t i = error.sizes.size() - 1; i-- > 0;) {
        planted.insert(planted.begin(), rows_at(options, check.id, error.plant(error.sizes[i]), trained, control));
      }
      for (const VerifyRow& row : plain) {
        if (row.direction != Direction::reported) powers.push_back(power_of(row, error, planted));
      }
    }
  }
  return powers;
}

nlohmann::ordered_json to_json(const std::vector<Power>& powers) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Power& power : powers) {
    json.push_back({{"method", power.method},
                    {"figure", power.figure},
                    {"subject", power.subject},
                    {"kind", power.kind},
                    {"smallest", power.smallest ? nlohmann::ordered_json(*power.smallest) : nullptr},
                    {"target", power.target},
                    {"ok", power.ok()}});
  }
  return json;
}

}  // namespace noisescope::verify
