// What a model's evidence is worth: the weights of its steps by noise level and kind of word, found on held-out
// pictures (explain/calibration.h), and how reliable its probabilities were before and after.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::model {

/// Of the probabilities between two tenths that were given to versions of words: how many came true.
struct ReliabilityBin {
  double claimed = 0;  // mean probability
  double share = 0;    // of the versions that were true, with its 95 % interval over pictures
  double low = 0, high = 0;
  int64_t claims = 0;
};

/// A difference of mean log scores, ln p of the true version, in nats, with its 95 % interval over pictures.
struct ScoreGain {
  double value = 0, low = 0, high = 0;
};

/// What the evidence of a step counts, an inverse temperature: 1 for a model that claims as much as its steps say,
/// below 1 for one that claims too much. Linear in log-SNR between the two ends of a calibration, so monotone.
struct EvidenceWeights {
  double noisy = 1, clean = 1;            // >= 0
  std::array<double, 3> covariance = {};  // variance of noisy, covariance, variance of clean
  int64_t questions = 0;                  // words of this kind asked, each of a picture of its own
  ScoreGain gain = {};                    // of these questions, as Calibration::gain
};

struct Calibration {
  double log_snr_min = -8, log_snr_max = 5;           // where weights are `noisy` and `clean`; constant beyond
  EvidenceWeights common;                             // of all words, and of those of no known kind
  std::map<std::string, EvidenceWeights> kinds = {};  // by PromptContrast::kind
  std::vector<ReliabilityBin> as_claimed = {};        // at most 10, rising
  std::vector<ReliabilityBin> calibrated = {};        // cross-fitted: each picture by weights that it had no part in

  /// Cross-fitted log score over that of the claims, mean over all levels and all questions.
  const ScoreGain& gain() const { return common.gain; }
  /// Whether it mends anything: the whole interval of the gain lies above 0. What cannot be told from a model that is
  /// calibrated already is left alone, since weights from few pictures do harm of their own.
  bool is_needed() const { return gain().low > 0; }
  /// Those of words of a kind; the common ones where it was not asked.
  const EvidenceWeights& weights_of(const std::string& kind) const;
  /// What counts: the fitted weight where it is needed, else 1.
  double weight_at(double log_snr, const std::string& kind) const {
    return is_needed() ? fitted_at(log_snr, weights_of(kind)) : 1;
  }
  double fitted_at(double log_snr, const EvidenceWeights& weights) const;
  /// The standard error of the fitted weight.
  double error_at(double log_snr, const EvidenceWeights& weights) const;
};

}  // namespace noisescope::model
