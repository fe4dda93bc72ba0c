#include "noisescope/run/explainers/explainers.h"

namespace noisescope {

std::string interval_text(const Estimate& e) { return text_of("%.3g to %.3g", e.low, e.high); }

KeyNumber key_number(const std::string& label, const Estimate& e, const std::string& unit,
                     const std::string& meaning) {
  return {label, text_of("%.3g", e.value) + (unit.empty() ? "" : " " + unit),
          "95 %: " + interval_text(e) + text_of(", n = %lld", static_cast<long long>(e.n)), meaning};
}

}  // namespace noisescope
