#include "noisescope/explain/speciation.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

// Biroli et al. 2024: two clouds at +-m of equal weight have Lambda_max = |m|^2 + s^2.
TEST(Speciation, OfTwoClouds) {
  for (const int64_t count : {12, 4000}) {  // fewer and more pictures than pixels
    const Tensor side = (torch::arange(count) % 2 * 2 - 1).view({-1, 1, 1, 1});
    const Tensor pictures = side * torch::full({1, 1, 4, 4}, 2.0) +
                            0.01 * Random(1).normal(Purpose::scene, 0, sample_range(0, count), {1, 4, 4});
    const double expected = -std::log(64.0 * double(count) / double(count - 1));
    EXPECT_NEAR(speciation_log_snr(pictures), expected, 1e-2);
  }
}

TEST(Speciation, RefusesDataWithoutVariance) {
  EXPECT_THROW(speciation_log_snr(torch::ones({5, 1, 2, 2})), ValueError);
  EXPECT_THROW(speciation_log_snr(torch::ones({1, 1, 2, 2})), ValueError);
}

}  // namespace
}  // namespace noisescope
