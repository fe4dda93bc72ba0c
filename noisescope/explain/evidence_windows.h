// The evidence of a word window by window: what of the map (explain/evidence.h) was decided between two noise levels.
//
// The filter's sums are kept at W + 1 edges. Between two of them a path decided R = ln p_own(b) - ln p_own(a) and was
// expected to decide c_j at pixel j; its map is c_j R / sum c, by the argument of the whole map on the steps of the
// window alone. So the totals of neighbouring windows add up to that of both together, and the window of all levels is
// Evidence::map().
#pragma once

#include "noisescope/explain/evidence.h"

namespace noisescope::explain {

struct EvidenceWindows {
  Evidence whole;
  std::vector<double> edges;  // [W + 1] log-SNR, rising; the first and last are those of the paths
  Tensor compensated;         // [W + 1, B, H, W] nats, float64: up to each edge
  Tensor decided;             // [W + 1, B] nats: ln p_own at each edge, less its value at the first

  /// What was decided between two edges, [B, H, W] nats, signed. Throws ValueError unless 0 <= from < to <= W.
  Tensor map(size_t from, size_t to) const;
  /// The log-SNR by which half of what was expected of a pixel had been said, over all paths together, [H, W]; linear
  /// between edges, NaN where nothing was expected.
  Tensor decided_at() const;
};

struct EvidenceWindowOptions {
  EvidenceOptions evidence;
  int64_t windows = 25;  // about, of equally many steps
};

/// Evidence along noising paths of the pictures, by window. Costs and throws as filter_noising_paths, and ValueError
/// unless windows >= 1.
EvidenceWindows evidence_windows(const Denoiser& denoiser, const PictureBatch& batch, const Contrast& contrast,
                                 const EvidenceWindowOptions& options, const Control& control = {});

}  // namespace noisescope::explain
