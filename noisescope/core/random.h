// Addressable randomness: every random number is a pure function of
// (seed, purpose, step, sample, position), so image k of a batch equals image k alone, any noise of
// a run can be drawn again, a resumed run needs no generator state, and CPU and GPU start from the
// same noise. No code of this library draws from the global generator.
//
// Generator: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "noisescope/core/philox.h"
#include "noisescope/core/tensor.h"

namespace noisescope {

/// first, first + 1, ..., first + count - 1: the sample numbers of a contiguous batch.
std::vector<int64_t> sample_range(int64_t first, int64_t count);

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}

  uint64_t seed() const { return seed_; }

  /// Standard normal numbers, shape [samples.size(), *shape]. Row i depends on samples[i] alone.
  /// The float32 result is the float64 one rounded. `samples` must not be negative.
  Tensor normal(Purpose purpose, uint64_t step, const std::vector<int64_t>& samples, torch::IntArrayRef shape,
                torch::Dtype dtype = torch::kFloat32) const;

  /// Uniform numbers in [0, 1), shape [samples.size(), *shape].
  Tensor uniform(Purpose purpose, uint64_t step, const std::vector<int64_t>& samples, torch::IntArrayRef shape,
                 torch::Dtype dtype = torch::kFloat32) const;

  /// One uniform number in [0, 1) with 53 random bits.
  double uniform(Purpose purpose, uint64_t step, int64_t sample, uint32_t position = 0) const;

  /// One integer in [0, bound); bound >= 1.
  int64_t integer(Purpose purpose, uint64_t step, int64_t sample, int64_t bound, uint32_t position = 0) const;

  /// A permutation of 0 .. count - 1 as int64 [count].
  Tensor permutation(Purpose purpose, uint64_t step, int64_t count) const;

 private:
  uint64_t seed_;
};

/// FNV-1a of a name: the `step` of per-name streams such as initial weights.
uint64_t name_hash(std::string_view name);

}  // namespace noisescope
