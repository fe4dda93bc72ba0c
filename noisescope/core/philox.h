// The numbers of core/random.h as plain memory: what they are a function of, and nothing of torch.
#pragma once

#include <array>
#include <cstdint>

#include "noisescope/core/namespaces.h"

namespace noisescope {

/// What a random number is for. Different purposes are independent streams.
/// The numbers are part of the meaning of a seed: append, never renumber.
enum class Purpose : uint32_t {
  weights = 1,        // initial parameters; step = hash of the parameter's name
  scene = 2,          // what a generated picture shows
  caption = 3,        // which true caption is said of it
  data_order = 4,     // shuffling of an epoch; step = epoch
  train_sigma = 5,    // noise levels of a training batch
  train_noise = 6,    // noise of a training batch
  train_drop = 7,     // which conditions are replaced by the null condition
  initial_noise = 8,  // x_T of a sampling run
  step_noise = 9,     // noise injected by a stochastic sampler; step = solver step
  validation = 10,    // fixed noise of validation
  augment = 11,       // flips and crops
  evaluation = 12,    // prompts and splits of evaluation
  explain = 13,       // draws of explanation methods
  dropout = 14,       // which feature maps a training step drops
};

/// One Philox4x32-10 block: 4 words from a 128-bit counter and a 64-bit key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint64_t key);

/// Which numbers: those of one sample in one step of a purpose.
struct RandomAddress {
  uint64_t seed = 0;
  Purpose purpose = Purpose::weights;
  uint64_t step = 0;
  int64_t sample = 0;  // >= 0

  /// Words 4 block .. 4 block + 3.
  std::array<uint32_t, 4> words(uint32_t block) const;
};

/// The first n standard normal numbers, and numbers uniform in [0, 1).
void fill_normal(const RandomAddress& address, double* out, int64_t n);
void fill_uniform(const RandomAddress& address, double* out, int64_t n);

}  // namespace noisescope
