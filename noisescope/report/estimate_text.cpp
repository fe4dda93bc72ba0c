#include "noisescope/report/estimate_text.h"

#include <cmath>

#include "noisescope/core/format.h"

namespace noisescope::report {

std::string estimate_text(const Estimate& e) { return format_text("{:.3g} [{:.3g}, {:.3g}]", e.value, e.low, e.high); }

std::string fixed_text(const Estimate& e) {
  return std::isnan(e.value) ? "none" : format_text("{:.2f} [{:.2f}, {:.2f}]", e.value, e.low, e.high);
}

std::string interval_text(const Estimate& e) { return format_text("{:.3g} to {:.3g}", e.low, e.high); }

Estimate estimate_of_json(const nlohmann::ordered_json& json) {
  return {json.at("value").get<double>(), json.at("low").get<double>(), json.at("high").get<double>(),
          json.at("n").get<int64_t>()};
}

Estimate with_error(double value, double standard_error, int64_t n) {
  const double half = 1.96 * standard_error;
  return {value, value - half, value + half, n};
}

KeyNumber key_number(const std::string& label, const Estimate& e, const std::string& unit, const std::string& meaning) {
  return {label, format_text("{:.3g}", e.value) + (unit.empty() ? "" : " " + unit),
          "95 %: " + interval_text(e) + format_text(", n = {}", e.n), meaning};
}

nlohmann::ordered_json PictureFigure::json() const {
  if (finite.size(0) >= 2) return to_json(mean_estimate(finite));
  if (finite.size(0) == 0) return {{"value", nullptr}, {"n", 0}};
  return {{"value", finite.item<double>()}, {"n", 1}};
}

std::string PictureFigure::text() const {
  if (finite.size(0) == 0) return "none";
  if (finite.size(0) == 1) return format_text("{:.3g} (one picture)", finite.item<double>());
  return estimate_text(mean_estimate(finite));
}

KeyNumber PictureFigure::number(const std::string& label, const std::string& meaning) const {
  return {label, text(), format_text("n = {}", finite.size(0)), meaning};
}

}  // namespace noisescope::report
