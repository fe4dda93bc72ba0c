#include "noisescope/model/calibration.h"

#include <algorithm>
#include <cmath>

namespace noisescope::model {
namespace {

/// How far log_snr lies on the way from log_snr_min to log_snr_max, in [0, 1].
double share_of_way(const Calibration& c, double log_snr) {
  return std::clamp((log_snr - c.log_snr_min) / (c.log_snr_max - c.log_snr_min), 0.0, 1.0);
}

}  // namespace

double Calibration::fitted_at(double log_snr) const { return std::lerp(noisy, clean, share_of_way(*this, log_snr)); }

double Calibration::error_at(double log_snr) const {
  const double b = share_of_way(*this, log_snr), a = 1 - b;
  return std::sqrt(std::max(0.0, a * a * covariance[0] + 2 * a * b * covariance[1] + b * b * covariance[2]));
}

}  // namespace noisescope::model
