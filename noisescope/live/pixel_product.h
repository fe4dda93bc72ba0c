// The one product that a network spends its time in: each output pixel is a linear map of a few input pixels.
// Convolutions, and linear layers over rows, on plain memory, channels last.
#pragma once

#include <cstdint>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::live {

/// Weights of `taps` input pixels [taps, in, out], packed for the product: blocks of kLanes outputs, zeros beyond out.
struct PixelWeights {
  int64_t taps = 0, in = 0, out = 0;
  std::vector<float> packed;
  std::vector<float> bias;  // [out] filled up to whole blocks
};

/// From the layout of torch: weight [out, in, taps], bias [out] or empty.
PixelWeights pack_weights(const std::vector<float>& weight, const std::vector<float>& bias, int64_t in, int64_t out);

/// Output pixel p [out] = bias + sum over t of weights[t]^T (in floats at starts[p] + offsets[t]).
/// `y` has room for pixels x out.
void multiply_pixels(const PixelWeights& weights, const float* const* starts, int64_t pixels, const int64_t* offsets,
                     float* y);

/// y [rows, out] = x [rows, in] through weights of one tap.
void multiply_rows(const PixelWeights& weights, const float* x, int64_t rows, float* y);

}  // namespace noisescope::live
