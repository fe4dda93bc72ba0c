// Arithmetic of nn/norm_film_silu.h on plain memory: one sample, channels last.
#pragma once

#include <cstdint>

namespace noisescope::nn {

struct NormShape {
  int64_t height = 0, width = 0, channels = 0;
  int64_t groups = 1;                       // divides channels
  int64_t film_height = 0, film_width = 0;  // divide height and width; 0: no film
  float epsilon = 1e-5f;

  int64_t pixels() const { return height * width; }
  bool has_film() const { return film_height > 0; }
};

/// What one sample reads: x [H, W, C], weight and bias [C], film [h, w, 2C] (scales less 1, then shifts).
struct NormInputs {
  const float* x = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  const float* film = nullptr;
};

/// Writes y [H, W, C] and, of each group, mean and 1 / deviation: statistics [2, groups].
void norm_film_silu_forward(const NormShape& shape, const NormInputs& in, float* y, float* statistics);

/// What backward writes for one sample: dx [H, W, C], weight and bias [C], film [h, w, 2C].
struct NormGradients {
  float* x = nullptr;
  float* weight = nullptr;
  float* bias = nullptr;
  float* film = nullptr;
};

/// From the gradient by y [H, W, C] and the forward pass's statistics.
void norm_film_silu_backward(const NormShape& shape, const NormInputs& in, const float* statistics, const float* dy,
                             const NormGradients& out);

/// bfloat16 (the upper half of a float) to float32 and back, to the nearest and of two the even one.
void widen(const uint16_t* from, float* to, int64_t count);
void narrow(const float* from, uint16_t* to, int64_t count);

}  // namespace noisescope::nn
