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

const EvidenceWeights& Calibration::weights_of(const std::string& kind) const {
  const auto found = kinds.find(kind);
  return found == kinds.end() ? common : found->second;
}

double Calibration::fitted_at(double log_snr, const EvidenceWeights& weights) const {
  return std::lerp(weights.noisy, weights.clean, share_of_way(*this, log_snr));
}

double Calibration::error_at(double log_snr, const EvidenceWeights& weights) const {
  const double b = share_of_way(*this, log_snr), a = 1 - b;
  const auto& [noisy, both, clean] = weights.covariance;
  return std::sqrt(std::max(0.0, a * a * noisy + 2 * a * b * both + b * b * clean));
}

}  // namespace noisescope::model
