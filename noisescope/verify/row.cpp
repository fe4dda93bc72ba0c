#include "noisescope/verify/row.h"

#include <cmath>

#include "noisescope/core/format.h"

namespace noisescope::verify {

bool VerifyRow::pass() const {
  if (!std::isfinite(measured.value)) return false;
  if (direction == Direction::reported) return true;
  return direction == Direction::at_least ? judged() >= bar : judged() <= bar;
}

double VerifyRow::reversal_chance() const {
  if (reversal && direction != Direction::reported) return *reversal;
  const double error = standard_error(measured);
  const double distance = std::abs(judged() - bar);
  if (direction == Direction::reported || !(error > 0)) return 0;
  return 0.5 * std::erfc(distance / error / 2);
}

nlohmann::ordered_json to_json(const VerifyRow& row) {
  nlohmann::ordered_json json = {
      {"method", row.method},
      {"subject", row.subject},
      {"figure", row.figure},
      {"bar", row.direction == Direction::reported ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(row.bar)},
      {"direction", to_string(row.direction)}};
  json.update(to_json(row.measured));
  json["reversal_chance"] = row.reversal_chance();
  json["pass"] = row.pass();
  return json;
}

std::string bar_text(const VerifyRow& row) {
  if (row.direction == Direction::reported) return "reported";
  const char* sign = row.direction == Direction::at_least  ? ">="
                     : row.direction == Direction::at_most ? "<="
                                                           : "within";
  return format_text("{} {:.4g}", sign, row.bar);
}

std::string to_table(const std::vector<VerifyRow>& rows) {
  std::string table;
  for (const VerifyRow& row : rows) {
    const char* verdict = !row.pass() ? "FAIL" : row.direction == Direction::reported ? "" : "ok";
    const Estimate& measured = row.measured;
    table +=
        format_text("{:4}  {:21} {:14} {:58} {:10} {:.4g} [{:.4g}, {:.4g}] n {}\n", verdict, row.method, row.subject,
                    row.figure, bar_text(row), measured.value, measured.low, measured.high, measured.n);
  }
  return table;
}

}  // namespace noisescope::verify
