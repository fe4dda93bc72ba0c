// The orthogonal part of one matrix on plain memory: what Muon asks of every weight at every step.
#pragma once

#include <cstdint>

namespace noisescope::nn {

/// The polynomial that Muon sends singular values through, `steps` times (nn/orthogonalizers.h).
struct MuonQuintic {
  static constexpr int steps = 5;
  static constexpr double linear = 3.4445, cubic = -4.7750, quintic = 2.0315;
};

/// Writes scale times the orthogonal part of `matrix` [rows, columns] to `out`, by the five steps of orthogonalizers()
/// (nn/orthogonalizers.h). All products but the last are of symmetric matrices that commute, so half of each is
/// computed. On one thread: matrices are many, and each then stays in its cache.
void orthogonal_part(const float* matrix, int64_t rows, int64_t columns, float scale, float* out);

}  // namespace noisescope::nn
