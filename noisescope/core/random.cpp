#include "noisescope/core/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/parallel.h"

namespace noisescope {
namespace {

/// Counter layout: block within the sample, sample, step, purpose mixed with the high parts.
std::array<uint32_t, 4> counter_of(Purpose purpose, uint64_t step, int64_t sample, uint32_t block) {
  const auto s = static_cast<uint64_t>(sample);
  const auto high = static_cast<uint32_t>((s >> 32) * 0x9E3779B9u ^ (step >> 32) * 0x85EBCA6Bu);
  return {block, static_cast<uint32_t>(s), static_cast<uint32_t>(step), static_cast<uint32_t>(purpose) ^ (high << 8)};
}

/// Fills `out` (length n) from the blocks of one sample; `emit` turns 4 words into 4 numbers.
template <class Emit>
void fill_sample(double* out, int64_t n, uint64_t seed, Purpose purpose, uint64_t step, int64_t sample, Emit emit) {
  for (int64_t i = 0; i < n; i += 4) {
    const auto words = philox(counter_of(purpose, step, sample, static_cast<uint32_t>(i / 4)), seed);
    const std::array<double, 4> values = emit(words);
    std::copy_n(values.begin(), std::min<int64_t>(4, n - i), out + i);
  }
}

constexpr double kTwoToMinus32 = 0x1p-32;

std::array<double, 4> to_uniform(const std::array<uint32_t, 4>& words) {
  return {words[0] * kTwoToMinus32, words[1] * kTwoToMinus32, words[2] * kTwoToMinus32, words[3] * kTwoToMinus32};
}

/// Box-Muller; the half offset keeps the logarithm finite.
std::array<double, 4> to_normal(const std::array<uint32_t, 4>& words) {
  std::array<double, 4> out{};
  for (size_t k = 0; k < 4; k += 2) {
    const double radius = std::sqrt(-2.0 * std::log((words[k] + 0.5) * kTwoToMinus32));
    const double angle = 2.0 * std::numbers::pi * (words[k + 1] * kTwoToMinus32);
    out[k] = radius * std::cos(angle);
    out[k + 1] = radius * std::sin(angle);
  }
  return out;
}

template <class Emit>
Tensor draw(uint64_t seed, Purpose purpose, uint64_t step, const std::vector<int64_t>& samples,
            torch::IntArrayRef shape, torch::Dtype dtype, Emit emit) {
  std::vector<int64_t> sizes{static_cast<int64_t>(samples.size())};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  const Tensor out = torch::empty(sizes, torch::kFloat64);
  const int64_t per_row = samples.empty() ? 0 : out.numel() / static_cast<int64_t>(samples.size());
  double* data = out.data_ptr<double>();
  for (int64_t sample : samples) {
    if (sample < 0) {
      throw ValueError(format_text("[core.random] expected sample numbers >= 0, got {}", sample));
    }
  }
  for_each_in_parallel(static_cast<int64_t>(samples.size()), [&](int64_t row) {
    fill_sample(data + row * per_row, per_row, seed, purpose, step, samples[static_cast<size_t>(row)], emit);
  });
  return out.to(dtype);
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint64_t key) {
  auto k0 = static_cast<uint32_t>(key);
  auto k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

std::vector<int64_t> sample_range(int64_t first, int64_t count) {
  std::vector<int64_t> samples(static_cast<size_t>(count));
  std::iota(samples.begin(), samples.end(), first);
  return samples;
}

Tensor Random::normal(Purpose purpose, uint64_t step, const std::vector<int64_t>& samples, torch::IntArrayRef shape,
                      torch::Dtype dtype) const {
  return draw(seed_, purpose, step, samples, shape, dtype, to_normal);
}

Tensor Random::uniform(Purpose purpose, uint64_t step, const std::vector<int64_t>& samples, torch::IntArrayRef shape,
                       torch::Dtype dtype) const {
  const Tensor out = draw(seed_, purpose, step, samples, shape, torch::kFloat64, to_uniform);
  // Rounding to float32 could reach 1; the interval stays half open.
  return dtype == torch::kFloat64 ? out : out.to(dtype).clamp_max(1.0 - 0x1p-24);
}

double Random::uniform(Purpose purpose, uint64_t step, int64_t sample, uint32_t position) const {
  const auto words = philox(counter_of(purpose, step, sample, position), seed_);
  const uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

int64_t Random::integer(Purpose purpose, uint64_t step, int64_t sample, int64_t bound, uint32_t position) const {
  if (bound < 1) {
    throw ValueError(format_text("[core.Random.integer] expected bound >= 1, got {}", bound));
  }
  const double u = uniform(purpose, step, sample, position);
  return std::min(bound - 1, static_cast<int64_t>(u * static_cast<double>(bound)));
}

Tensor Random::permutation(Purpose purpose, uint64_t step, int64_t count) const {
  // Sorting independent keys; ties (2^-53 each) are broken by index, so the order is total.
  std::vector<double> keys(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) keys[static_cast<size_t>(i)] = uniform(purpose, step, i);
  std::vector<int64_t> order = sample_range(0, count);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return keys[static_cast<size_t>(a)] < keys[static_cast<size_t>(b)]; });
  return torch::tensor(order, torch::kInt64);
}

uint64_t name_hash(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : name) {
    hash ^= static_cast<uint8_t>(c);
    hash *= 0x100000001b3ull;
  }
  return hash;
}

}  // namespace noisescope
