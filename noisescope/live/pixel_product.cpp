// The inner loops hold kTile pixels x kLanes outputs in registers and read the weights one after the other.
#include "noisescope/live/pixel_product.h"

#include <algorithm>
#include <array>

#include "noisescope/nn/every_processor.h"

namespace noisescope::live {
namespace {

// What fits into the registers: 16 of 4 floats in WebAssembly (where engines need some themselves), 16 of 8 or 32 of 16
// elsewhere.
#ifdef __wasm_simd128__
constexpr int64_t kTile = 4, kLanes = 8;
#else
constexpr int64_t kTile = 6, kLanes = 16;
#endif

using Lanes __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias)) = float;

/// The sums of kTile pixels for one block of outputs; `weights` of the block [taps, in, kLanes].
NOISESCOPE_INLINE void multiply_tile(const float* weights, const Lanes& bias, const float* const* starts,
                                     const int64_t* offsets, int64_t taps, int64_t in, Lanes* sums) {
  Lanes s[kTile];
  for (int64_t p = 0; p < kTile; ++p) s[p] = bias;
  for (int64_t t = 0; t < taps; ++t) {
    const float* x[kTile];
    for (int64_t p = 0; p < kTile; ++p) x[p] = starts[p] + offsets[t];
    for (int64_t c = 0; c < in; ++c, weights += kLanes) {
      const Lanes w = *reinterpret_cast<const Lanes*>(weights);
#ifdef __clang__
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 8
#endif
      for (int64_t p = 0; p < kTile; ++p) s[p] += x[p][c] * w;
    }
  }
  for (int64_t p = 0; p < kTile; ++p) sums[p] = s[p];
}

}  // namespace

PixelWeights pack_weights(const std::vector<float>& weight, const std::vector<float>& bias, int64_t in, int64_t out) {
  PixelWeights w{static_cast<int64_t>(weight.size()) / (in * out), in, out, {}, {}};
  const int64_t blocks = (out + kLanes - 1) / kLanes;
  w.packed.assign(static_cast<size_t>(blocks * w.taps * in * kLanes), 0.0f);
  w.bias.assign(static_cast<size_t>(blocks * kLanes), 0.0f);
  std::copy(bias.begin(), bias.end(), w.bias.begin());
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t c = 0; c < in; ++c) {
      for (int64_t t = 0; t < w.taps; ++t) {
        const int64_t place = (((o / kLanes) * w.taps + t) * in + c) * kLanes + o % kLanes;
        w.packed[static_cast<size_t>(place)] = weight[static_cast<size_t>((o * in + c) * w.taps + t)];
      }
    }
  }
  return w;
}

NOISESCOPE_EVERY_PROCESSOR
void multiply_pixels(const PixelWeights& weights, const float* const* starts, int64_t pixels, const int64_t* offsets,
                     float* y) {
  const int64_t block_size = weights.taps * weights.in * kLanes;
  for (int64_t o = 0; o < weights.out; o += kLanes) {
    const float* block = weights.packed.data() + o / kLanes * block_size;
    const Lanes bias = *reinterpret_cast<const Lanes*>(weights.bias.data() + o);
    const int64_t lanes = std::min(kLanes, weights.out - o);
    for (int64_t first = 0; first < pixels; first += kTile) {
      const int64_t count = std::min(kTile, pixels - first);
      std::array<const float*, kTile> tile;  // filled up by the last pixel
      for (int64_t p = 0; p < kTile; ++p) tile[static_cast<size_t>(p)] = starts[first + std::min(p, count - 1)];
      Lanes sums[kTile];
      multiply_tile(block, bias, tile.data(), offsets, weights.taps, weights.in, sums);
      for (int64_t p = 0; p < count; ++p) {
        const float* from = reinterpret_cast<const float*>(&sums[p]);
        std::copy_n(from, lanes, y + (first + p) * weights.out + o);
      }
    }
  }
}

void multiply_rows(const PixelWeights& weights, const float* x, int64_t rows, float* y) {
  std::vector<const float*> starts(static_cast<size_t>(rows));
  for (int64_t r = 0; r < rows; ++r) starts[static_cast<size_t>(r)] = x + r * weights.in;
  const int64_t offset = 0;
  multiply_pixels(weights, starts.data(), rows, &offset, y);
}

}  // namespace noisescope::live
