// The layers of a U-Net and a text transformer as they answer, on plain memory: float32, channels last.
#pragma once

#include <string>
#include <vector>

#include "noisescope/live/pixel_product.h"
#include "noisescope/live/weights.h"

namespace noisescope::live {

/// B feature maps [H, W, C].
struct FeatureMaps {
  FeatureMaps() = default;
  FeatureMaps(int64_t b, int64_t h, int64_t w, int64_t c)
      : batch(b), height(h), width(w), channels(c), values(static_cast<size_t>(b * h * w * c)) {}

  int64_t pixels() const { return height * width; }
  float* of(int64_t b) { return values.data() + b * pixels() * channels; }
  const float* of(int64_t b) const { return values.data() + b * pixels() * channels; }

  int64_t batch = 0, height = 0, width = 0, channels = 0;
  std::vector<float> values;
};

/// weight [out, in] and bias [out] under "<name>.weight" and "<name>.bias".
class LinearLayer {
 public:
  LinearLayer(const Weights& weights, const std::string& name, int64_t in, int64_t out, bool has_bias = true);
  /// [rows, in] -> [rows, out].
  std::vector<float> operator()(const std::vector<float>& x) const;
  FeatureMaps operator()(const FeatureMaps& x) const;
  int64_t out() const { return weights_.out; }

 private:
  PixelWeights weights_;
};

/// A convolution of kernel 1 or 3 with the padding that keeps the size, up to its stride.
class ConvolutionLayer {
 public:
  ConvolutionLayer(const Weights& weights, const std::string& name, int64_t in, int64_t out, int64_t kernel,
                   int64_t stride = 1);
  FeatureMaps operator()(const FeatureMaps& x) const;

 private:
  FeatureMaps padded(const FeatureMaps& x) const;

  int64_t kernel_, stride_;
  PixelWeights weights_;
};

/// Group norm of at most 8 groups, as nn/blocks.h makes it.
class GroupNormLayer {
 public:
  GroupNormLayer(const Weights& weights, const std::string& name, int64_t channels);
  /// silu((1 + scale) norm(x) + shift), film [B, h, w, 2C] whose sides divide those of x, or null.
  FeatureMaps norm_film_silu(const FeatureMaps& x, const FeatureMaps* film = nullptr) const;
  FeatureMaps norm(const FeatureMaps& x) const;

 private:
  int64_t groups_;
  std::vector<float> weight_, bias_;
};

/// Layer norm of rows of `width`.
class LayerNormLayer {
 public:
  LayerNormLayer(const Weights& weights, const std::string& name, int64_t width, double epsilon);
  std::vector<float> operator()(const std::vector<float>& x) const;

 private:
  std::vector<float> weight_, bias_;
  double epsilon_;
};

/// softmax(q k^T / sqrt(E)) v of one head, rows of `stride` floats: q, k, v [L, E] -> out [L, E]. `causal`: row i reads
/// rows up to i.
struct AttentionHead {
  const float *q, *k, *v;
  int64_t length, width, stride;
  bool causal = false;
};
void attend(const AttentionHead& head, float* out, int64_t out_stride);

void silu_in_place(std::vector<float>& values);

/// Nearest neighbour, twice as large.
FeatureMaps grown_twice(const FeatureMaps& x);

/// Channels of a, then those of b.
FeatureMaps joined_channels(const FeatureMaps& a, const FeatureMaps& b);

void add_in_place(FeatureMaps& x, const FeatureMaps& y);

}  // namespace noisescope::live
