// Evidence filtering of one picture by a live model, step by step: explain/evidence.h along noising paths, in windows
// of noise levels (explain/evidence_windows.h), on plain memory.
#pragma once

#include <cstdint>
#include <vector>

#include "noisescope/live/live_model.h"
#include "noisescope/live/solver.h"

namespace noisescope::live {

/// What is asked of a picture.
struct EvidenceQuestion {
  Floats picture;                // [C, H, W]
  std::vector<Floats> versions;  // K conditions [D]
  int64_t own = 0;               // the version that is true
  int64_t paths = 8;             // path k has noise (seed, k)
  uint64_t seed = 0;
  int64_t steps = 100, windows = 25;
  double log_snr_min = -8, log_snr_max = 5;
};

/// P paths, N = steps + 1 levels, W + 1 edges of windows; all numbers in nats.
struct LiveEvidence {
  int64_t paths = 0, versions = 0, own = 0, pixels = 0;
  std::vector<double> log_snrs;                     // [N], rising
  std::vector<std::vector<double>> log_posteriors;  // [N] of [P, K]
  std::vector<int64_t> edges;                       // [W + 1] numbers of levels
  std::vector<std::vector<double>> compensated;     // [W + 1] of [P, H W]: up to each edge
  std::vector<double> realised;                     // [P, H W]

  double edge_level(size_t edge) const { return log_snrs[static_cast<size_t>(edges[edge])]; }
  /// p(own version | path so far), [N].
  std::vector<double> decision(int64_t path) const;
  /// ln p_own(end) + ln K.
  double total(int64_t path) const;
  /// First log-SNR from which the decision stays above half way; NaN: never.
  double half_point(int64_t path) const;
  /// What was decided between two edges, from < to: [P, H W] nats.
  std::vector<double> map(size_t from, size_t to) const;
  /// The log-SNR by which half of what was expected of a pixel had been said; NaN: nothing was expected.
  double decided_at(int64_t pixel) const;

 private:
  double log_own(size_t level, int64_t path) const;
};

class EvidenceWalk {
 public:
  /// `model` must outlive it. Throws ValueError for fewer than 2 versions, no path, or options out of range.
  EvidenceWalk(const LiveModel& model, EvidenceQuestion question);

  /// One noise level; whether more are to be done. Throws NumericError for what is not finite.
  bool advance();
  int64_t done() const { return done_; }
  int64_t count() const { return question_.steps; }
  /// Complete when all is done.
  const LiveEvidence& evidence() const { return evidence_; }

 private:
  double level(int64_t i) const;
  std::vector<Floats> draw(int64_t i) const;
  std::vector<Floats> estimates() const;
  void filter(const std::vector<Floats>& versions, const std::vector<Floats>& next, double sigma, double sigma_next);
  void filter_path(int64_t path, const std::vector<Floats>& versions, const Floats& next, double sigma,
                   double sigma_next);
  void keep_edge();

  const LiveModel* model_;
  EvidenceQuestion question_;
  int64_t done_ = 0;
  std::vector<Floats> x_;              // [P] of [C, H, W]
  std::vector<double> log_posterior_;  // [P, K]
  std::vector<double> compensated_;    // [P, H W]
  LiveEvidence evidence_;
};

}  // namespace noisescope::live
