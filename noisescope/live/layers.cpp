#include "noisescope/live/layers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "noisescope/nn/norm_kernels.h"

namespace noisescope::live {
namespace {

constexpr int64_t kMostGroups = 8;

/// "<name>.bias" [out], or zeros.
std::vector<float> bias_of(const Weights& weights, const std::string& name, int64_t out, bool has_bias) {
  return has_bias ? weights.floats(name + ".bias", {out}) : std::vector<float>(static_cast<size_t>(out), 0.0f);
}

/// Softmax of the first n numbers.
void softmax(float* values, int64_t n) {
  const float largest = *std::max_element(values, values + n);
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += values[i] = std::exp(values[i] - largest);
  for (int64_t i = 0; i < n; ++i) values[i] /= sum;
}

}  // namespace

LinearLayer::LinearLayer(const Weights& weights, const std::string& name, int64_t in, int64_t out, bool has_bias)
    : weights_(
          pack_weights(weights.floats(name + ".weight", {out, in}), bias_of(weights, name, out, has_bias), in, out)) {}

std::vector<float> LinearLayer::operator()(const std::vector<float>& x) const {
  const int64_t rows = static_cast<int64_t>(x.size()) / weights_.in;
  std::vector<float> y(static_cast<size_t>(rows * weights_.out));
  multiply_rows(weights_, x.data(), rows, y.data());
  return y;
}

FeatureMaps LinearLayer::operator()(const FeatureMaps& x) const {
  FeatureMaps y(x.batch, x.height, x.width, weights_.out);
  multiply_rows(weights_, x.values.data(), x.batch * x.pixels(), y.values.data());
  return y;
}

ConvolutionLayer::ConvolutionLayer(const Weights& weights, const std::string& name, int64_t in, int64_t out,
                                   int64_t kernel, int64_t stride)
    : kernel_(kernel),
      stride_(stride),
      weights_(pack_weights(weights.floats(name + ".weight", {out, in, kernel, kernel}),
                            weights.floats(name + ".bias", {out}), in, out)) {}

/// A border of zeros of kernel / 2.
FeatureMaps ConvolutionLayer::padded(const FeatureMaps& x) const {
  const int64_t border = kernel_ / 2, row = x.width * x.channels;
  FeatureMaps out(x.batch, x.height + 2 * border, x.width + 2 * border, x.channels);
  for (int64_t b = 0; b < x.batch; ++b) {
    for (int64_t i = 0; i < x.height; ++i) {
      std::copy_n(x.of(b) + i * row, row, out.of(b) + ((i + border) * out.width + border) * x.channels);
    }
  }
  return out;
}

FeatureMaps ConvolutionLayer::operator()(const FeatureMaps& x) const {
  FeatureMaps y(x.batch, (x.height - 1) / stride_ + 1, (x.width - 1) / stride_ + 1, weights_.out);
  const FeatureMaps wide = kernel_ > 1 ? padded(x) : FeatureMaps();
  const FeatureMaps& from = kernel_ > 1 ? wide : x;
  std::vector<const float*> starts;
  starts.reserve(static_cast<size_t>(y.batch * y.pixels()));
  for (int64_t b = 0; b < y.batch; ++b) {
    for (int64_t i = 0; i < y.height; ++i) {
      for (int64_t j = 0; j < y.width; ++j) {
        starts.push_back(from.of(b) + (i * stride_ * from.width + j * stride_) * from.channels);
      }
    }
  }
  std::vector<int64_t> offsets;
  for (int64_t i = 0; i < kernel_; ++i) {
    for (int64_t j = 0; j < kernel_; ++j) offsets.push_back((i * from.width + j) * from.channels);
  }
  multiply_pixels(weights_, starts.data(), y.batch * y.pixels(), offsets.data(), y.values.data());
  return y;
}

GroupNormLayer::GroupNormLayer(const Weights& weights, const std::string& name, int64_t channels)
    : groups_(std::min(kMostGroups, channels)),
      weight_(weights.floats(name + ".weight", {channels})),
      bias_(weights.floats(name + ".bias", {channels})) {
  while (channels % groups_ != 0) --groups_;
}

FeatureMaps GroupNormLayer::norm_film_silu(const FeatureMaps& x, const FeatureMaps* film) const {
  FeatureMaps y(x.batch, x.height, x.width, x.channels);
  NormShape shape{x.height, x.width, x.channels, groups_};
  if (film) {
    shape.film_height = film->height;
    shape.film_width = film->width;
  }
  std::vector<float> statistics(static_cast<size_t>(2 * groups_));
  for (int64_t b = 0; b < x.batch; ++b) {
    norm_film_silu_forward(shape, {x.of(b), weight_.data(), bias_.data(), film ? film->of(b) : nullptr}, y.of(b),
                           statistics.data());
  }
  return y;
}

FeatureMaps GroupNormLayer::norm(const FeatureMaps& x) const {
  FeatureMaps y(x.batch, x.height, x.width, x.channels);
  const int64_t size = x.channels / groups_;
  const auto count = static_cast<double>(size * x.pixels());
  for (int64_t b = 0; b < x.batch; ++b) {
    for (int64_t g = 0; g < groups_; ++g) {
      double sum = 0, squares = 0;
      const auto over_group = [&](auto see) {
        for (int64_t p = 0; p < x.pixels(); ++p) {
          for (int64_t c = g * size; c < (g + 1) * size; ++c) see(p * x.channels + c, static_cast<size_t>(c));
        }
      };
      over_group([&](int64_t i, size_t) { sum += static_cast<double>(x.of(b)[i]); });
      const auto mean = static_cast<float>(sum / count);
      over_group([&](int64_t i, size_t) {
        const float off = x.of(b)[i] - mean;
        squares += static_cast<double>(off * off);
      });
      const float inverse = 1.0f / std::sqrt(static_cast<float>(squares / count) + 1e-5f);
      over_group([&](int64_t i, size_t c) { y.of(b)[i] = (x.of(b)[i] - mean) * inverse * weight_[c] + bias_[c]; });
    }
  }
  return y;
}

LayerNormLayer::LayerNormLayer(const Weights& weights, const std::string& name, int64_t width, double epsilon)
    : weight_(weights.floats(name + ".weight", {width})),
      bias_(weights.floats(name + ".bias", {width})),
      epsilon_(epsilon) {}

std::vector<float> LayerNormLayer::operator()(const std::vector<float>& x) const {
  const size_t width = weight_.size();
  std::vector<float> y(x.size());
  for (size_t row = 0; row < x.size(); row += width) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < width; ++i) sum += static_cast<double>(x[row + i]);
    const double mean = sum / static_cast<double>(width);
    for (size_t i = 0; i < width; ++i) squares += std::pow(static_cast<double>(x[row + i]) - mean, 2);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon_);
    for (size_t i = 0; i < width; ++i) {
      y[row + i] = static_cast<float>((static_cast<double>(x[row + i]) - mean) * inverse) * weight_[i] + bias_[i];
    }
  }
  return y;
}

void attend(const AttentionHead& head, float* out, int64_t out_stride) {
  const auto& [q, k, v, length, width, stride, causal] = head;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  std::vector<float> keys(static_cast<size_t>(width * length)), row(static_cast<size_t>(length));
  for (int64_t j = 0; j < length; ++j) {
    for (int64_t e = 0; e < width; ++e) keys[static_cast<size_t>(e * length + j)] = k[j * stride + e] * scale;
  }
  float* __restrict logits = row.data();
  for (int64_t i = 0; i < length; ++i) {
    std::fill(row.begin(), row.end(), 0.0f);
    for (int64_t e = 0; e < width; ++e) {
      const float* __restrict key = keys.data() + e * length;
      const float query = q[i * stride + e];
      for (int64_t j = 0; j < length; ++j) logits[j] += query * key[j];
    }
    const int64_t seen = causal ? i + 1 : length;
    softmax(logits, seen);
    float* __restrict mixed = out + i * out_stride;
    std::fill_n(mixed, width, 0.0f);
    for (int64_t j = 0; j < seen; ++j) {
      const float* __restrict value = v + j * stride;
      for (int64_t e = 0; e < width; ++e) mixed[e] += logits[j] * value[e];
    }
  }
}

void silu_in_place(std::vector<float>& values) {
  for (float& value : values) value /= 1.0f + std::exp(-value);
}

FeatureMaps grown_twice(const FeatureMaps& x) {
  FeatureMaps y(x.batch, 2 * x.height, 2 * x.width, x.channels);
  for (int64_t b = 0; b < y.batch; ++b) {
    for (int64_t i = 0; i < y.height; ++i) {
      for (int64_t j = 0; j < y.width; ++j) {
        std::copy_n(x.of(b) + ((i / 2) * x.width + j / 2) * x.channels, x.channels,
                    y.of(b) + (i * y.width + j) * x.channels);
      }
    }
  }
  return y;
}

FeatureMaps joined_channels(const FeatureMaps& a, const FeatureMaps& b) {
  FeatureMaps out(a.batch, a.height, a.width, a.channels + b.channels);
  float* to = out.values.data();
  for (int64_t p = 0; p < a.batch * a.pixels(); ++p) {
    to = std::copy_n(a.values.data() + p * a.channels, a.channels, to);
    to = std::copy_n(b.values.data() + p * b.channels, b.channels, to);
  }
  return out;
}

void add_in_place(FeatureMaps& x, const FeatureMaps& y) {
  for (size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
}

}  // namespace noisescope::live
