#include "noisescope/verify/row.h"

#include <cmath>
#include <cstdio>

namespace noisescope {

bool VerifyRow::pass() const {
  if (!std::isfinite(measured.value)) return false;
  return direction == Direction::at_least ? measured.value >= bar : measured.value <= bar;
}

double VerifyRow::reversal_chance() const {
  const double error = standard_error(measured);
  const double distance = std::abs(measured.value - bar);
  if (!(error > 0)) return 0;
  return 0.5 * std::erfc(distance / error / std::sqrt(2.0));
}

nlohmann::ordered_json to_json(const VerifyRow& row) {
  nlohmann::ordered_json json = {{"method", row.method},
                                 {"subject", row.subject},
                                 {"figure", row.figure},
                                 {"bar", row.bar},
                                 {"direction", to_string(row.direction)}};
  json.update(to_json(row.measured));
  json["reversal_chance"] = row.reversal_chance();
  json["pass"] = row.pass();
  return json;
}

std::string to_table(const std::vector<VerifyRow>& rows) {
  std::string table;
  char line[512];
  for (const VerifyRow& row : rows) {
    std::snprintf(line, sizeof line, "%-4s  %-20s %-13s %-58s %s %-7.4g %.4g [%.4g, %.4g] n %lld\n",
                  row.pass() ? "ok" : "FAIL", row.method.c_str(), row.subject.c_str(),
                  row.figure.c_str(), row.direction == Direction::at_least ? ">=" : "<=", row.bar,
                  row.measured.value, row.measured.low, row.measured.high,
                  static_cast<long long>(row.measured.n));
    table += line;
  }
  return table;
}

}  // namespace noisescope
