// Numbers with their intervals, as people read them: one spelling for all pages.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "noisescope/stats/estimate.h"
#include "noisescope/viz/report.h"

namespace noisescope::report {

/// "0.52 [0.48, 0.56]": three significant digits.
std::string estimate_text(const Estimate& estimate);
/// The same with two digits behind the point, for columns of shares; NaN: "none".
std::string fixed_text(const Estimate& estimate);
/// "0.48 to 0.56".
std::string interval_text(const Estimate& estimate);

/// What to_json(Estimate) wrote.
Estimate estimate_of_json(const nlohmann::ordered_json& json);

/// value +- 1.96 standard errors.
Estimate with_error(double value, double standard_error, int64_t n);

/// An estimate as a key number: value with unit, interval and n.
KeyNumber key_number(const std::string& label, const Estimate& estimate, const std::string& unit,
                     const std::string& meaning);

/// A figure of each picture [B], NaN where it has none: the mean with its interval, the value alone of one picture,
/// or that there is none.
struct PictureFigure {
  Tensor finite;

  explicit PictureFigure(const Tensor& values) : finite(values.index({~values.isnan()})) {}

  nlohmann::ordered_json json() const;
  std::string text() const;
  KeyNumber number(const std::string& label, const std::string& meaning) const;
};

}  // namespace noisescope::report
