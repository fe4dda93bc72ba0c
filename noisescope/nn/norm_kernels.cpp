// Plain loops over channels, which the compiler turns into vector instructions; compiled once for each kind of
// processor, chosen when the program starts.
#include "noisescope/nn/norm_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "noisescope/nn/every_processor.h"

namespace noisescope::nn {
namespace {

/// 1 / (1 + exp(-z)), off by at most 3e-7; exp by 2^n times a polynomial on half an octave either side.
NOISESCOPE_INLINE float sigmoid(float z) {
  constexpr float kLog2E = 1.44269504f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr float kRounds = 12582912.0f;  // 1.5 x 2^23: adding it leaves no fraction
  const float x = std::min(87.0f, std::max(-87.0f, -z));
  const float n = (x * kLog2E + kRounds) - kRounds;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const float power = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  return 1.0f / (1.0f + p * power);
}

/// x -> x * gain + offset of each channel is the normalised x, weight and bias included.
struct Affine {
  std::vector<float> gain, offset;
};

NOISESCOPE_INLINE Affine affine_of(const NormShape& s, const NormInputs& in, const float* statistics) {
  Affine affine{std::vector<float>(s.channels), std::vector<float>(s.channels)};
  const int64_t size = s.channels / s.groups;
  for (int64_t c = 0; c < s.channels; ++c) {
    affine.gain[c] = statistics[s.groups + c / size] * in.weight[c];
    affine.offset[c] = in.bias[c] - statistics[c / size] * affine.gain[c];
  }
  return affine;
}

/// The mean over pixels and each group's channels of values that were summed over pixels: [C] -> [groups].
NOISESCOPE_INLINE void group_means(const NormShape& s, const float* sums, float* means) {
  const int64_t size = s.channels / s.groups;
  for (int64_t g = 0; g < s.groups; ++g) {
    double total = 0;
    for (int64_t c = g * size; c < (g + 1) * size; ++c) total += sums[c];
    means[g] = static_cast<float>(total / static_cast<double>(size * s.pixels()));
  }
}

/// Calls row(pixel, film offset or -1) for every pixel in order.
template <class Row>
NOISESCOPE_INLINE void over_pixels(const NormShape& s, Row row) {
  const int64_t tall = s.has_film() ? s.height / s.film_height : 1, wide = s.has_film() ? s.width / s.film_width : 1;
  for (int64_t i = 0; i < s.height; ++i) {
    for (int64_t j = 0; j < s.width; ++j) {
      row((i * s.width + j) * s.channels, ((i / tall) * s.film_width + j / wide) * 2 * s.channels);
    }
  }
}

NOISESCOPE_INLINE void measure(const NormShape& s, const float* x, float* statistics) {
  const int64_t size = s.channels / s.groups;
  std::vector<float> sums(s.channels, 0.0f), centres(s.channels);
  float* __restrict sum = sums.data();
  for (int64_t p = 0; p < s.pixels(); ++p) {
    const float* __restrict row = x + p * s.channels;
    for (int64_t c = 0; c < s.channels; ++c) sum[c] += row[c];
  }
  group_means(s, sum, statistics);
  for (int64_t c = 0; c < s.channels; ++c) centres[c] = statistics[c / size];
  std::fill(sums.begin(), sums.end(), 0.0f);
  const float* __restrict centre = centres.data();
  for (int64_t p = 0; p < s.pixels(); ++p) {
    const float* __restrict row = x + p * s.channels;
    for (int64_t c = 0; c < s.channels; ++c) {
      const float off = row[c] - centre[c];
      sum[c] += off * off;
    }
  }
  group_means(s, sum, statistics + s.groups);
  for (int64_t g = s.groups; g < 2 * s.groups; ++g) statistics[g] = 1.0f / std::sqrt(statistics[g] + s.epsilon);
}

NOISESCOPE_INLINE void activate(const NormShape& s, const NormInputs& in, const Affine& affine, float* y) {
  const float* __restrict gain = affine.gain.data();
  const float* __restrict offset = affine.offset.data();
  if (!s.has_film()) {
    over_pixels(s, [&](int64_t p, int64_t) {
      const float* __restrict x = in.x + p;
      float* __restrict out = y + p;
      for (int64_t c = 0; c < s.channels; ++c) {
        const float z = x[c] * gain[c] + offset[c];
        out[c] = z * sigmoid(z);
      }
    });
    return;
  }
  over_pixels(s, [&](int64_t p, int64_t f) {
    const float* __restrict x = in.x + p;
    const float* __restrict scale = in.film + f;
    const float* __restrict shift = scale + s.channels;
    float* __restrict out = y + p;
    for (int64_t c = 0; c < s.channels; ++c) {
      const float normed = x[c] * gain[c] + offset[c];
      const float z = normed + normed * scale[c] + shift[c];
      out[c] = z * sigmoid(z);
    }
  });
}

/// d silu(z) / dz.
NOISESCOPE_INLINE float slope(float z) {
  const float open = sigmoid(z);
  return open * (1.0f + z * (1.0f - open));
}

/// Writes the gradient by the normalised x to `dn` [H, W, C], adds up film's gradient, and sums dn and dn * x over
/// pixels.
NOISESCOPE_INLINE void through_film(const NormShape& s, const NormInputs& in, const Affine& affine, const float* dy,
                                    float* dn, float* dfilm, float* sum, float* product_sum) {
  const float* __restrict gain = affine.gain.data();
  const float* __restrict offset = affine.offset.data();
  if (!s.has_film()) {
    over_pixels(s, [&](int64_t p, int64_t) {
      const float* __restrict x = in.x + p;
      const float* __restrict up = dy + p;
      float* __restrict out = dn + p;
      NOISESCOPE_NO_OVERLAP
      for (int64_t c = 0; c < s.channels; ++c) {
        const float d = up[c] * slope(x[c] * gain[c] + offset[c]);
        out[c] = d;
        sum[c] += d;
        product_sum[c] += d * x[c];
      }
    });
    return;
  }
  std::fill(dfilm, dfilm + s.film_height * s.film_width * 2 * s.channels, 0.0f);
  over_pixels(s, [&](int64_t p, int64_t f) {
    const float* __restrict x = in.x + p;
    const float* __restrict up = dy + p;
    const float* __restrict scale = in.film + f;
    const float* __restrict shift = scale + s.channels;
    float* __restrict dscale = dfilm + f;
    float* __restrict dshift = dscale + s.channels;
    float* __restrict out = dn + p;
    NOISESCOPE_NO_OVERLAP
    for (int64_t c = 0; c < s.channels; ++c) {
      const float normed = x[c] * gain[c] + offset[c];
      const float dz = up[c] * slope(normed + normed * scale[c] + shift[c]);
      const float d = dz + dz * scale[c];
      dscale[c] += dz * normed;
      dshift[c] += dz;
      out[c] = d;
      sum[c] += d;
      product_sum[c] += d * x[c];
    }
  });
}

/// From the gradient by the normalised x, weight and bias included, to those by x, weight and bias: `d.x` holds the
/// first and is written over; `d.bias` holds its sum over pixels, `d.weight` that of its product with x.
NOISESCOPE_INLINE void through_norm(const NormShape& s, const NormInputs& in, const float* statistics,
                                    const NormGradients& d) {
  const int64_t size = s.channels / s.groups;
  std::vector<float> straight(s.channels), sideways(s.channels), means(2 * s.groups);
  for (int64_t c = 0; c < s.channels; ++c) {
    const float mean = statistics[c / size], inverse = statistics[s.groups + c / size];
    d.weight[c] = inverse * (d.weight[c] - mean * d.bias[c]);
    straight[c] = in.weight[c] * d.bias[c];
    sideways[c] = in.weight[c] * d.weight[c];
  }
  group_means(s, straight.data(), means.data());
  group_means(s, sideways.data(), means.data() + s.groups);
  std::vector<float> own(s.channels), by_x(s.channels), fixed(s.channels);
  for (int64_t c = 0; c < s.channels; ++c) {
    const int64_t g = c / size;
    const float inverse = statistics[s.groups + g];
    own[c] = inverse * in.weight[c];
    by_x[c] = -inverse * inverse * means[s.groups + g];
    fixed[c] = -inverse * means[g] - by_x[c] * statistics[g];
  }
  const float* __restrict k_own = own.data();
  const float* __restrict k_x = by_x.data();
  const float* __restrict k_fixed = fixed.data();
  for (int64_t p = 0; p < s.pixels(); ++p) {
    const float* __restrict x = in.x + p * s.channels;
    float* __restrict dx = d.x + p * s.channels;
    for (int64_t c = 0; c < s.channels; ++c) dx[c] = dx[c] * k_own[c] + x[c] * k_x[c] + k_fixed[c];
  }
}

}  // namespace

NOISESCOPE_EVERY_PROCESSOR
void norm_film_silu_forward(const NormShape& shape, const NormInputs& in, float* y, float* statistics) {
  measure(shape, in.x, statistics);
  activate(shape, in, affine_of(shape, in, statistics), y);
}

NOISESCOPE_EVERY_PROCESSOR
void norm_film_silu_backward(const NormShape& shape, const NormInputs& in, const float* statistics, const float* dy,
                             const NormGradients& out) {
  std::fill(out.weight, out.weight + shape.channels, 0.0f);
  std::fill(out.bias, out.bias + shape.channels, 0.0f);
  through_film(shape, in, affine_of(shape, in, statistics), dy, out.x, out.film, out.bias, out.weight);
  through_norm(shape, in, statistics, out);
}

NOISESCOPE_EVERY_PROCESSOR
void widen(const uint16_t* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = std::bit_cast<float>(static_cast<uint32_t>(from[i]) << 16);
}

NOISESCOPE_EVERY_PROCESSOR
void narrow(const float* from, uint16_t* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<uint32_t>(from[i]);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    to[i] = static_cast<uint16_t>(from[i] == from[i] ? rounded : 0x7fc0);  // not a number stays none
  }
}

}  // namespace noisescope::nn
