#include "noisescope/core/philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace noisescope {
namespace {

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

/// Fills `out` from the blocks of one sample; `emit` turns 4 words into 4 numbers.
template <class Emit>
void fill(const RandomAddress& address, double* out, int64_t n, Emit emit) {
  for (int64_t i = 0; i < n; i += 4) {
    const std::array<double, 4> values = emit(address.words(static_cast<uint32_t>(i / 4)));
    std::copy_n(values.begin(), std::min<int64_t>(4, n - i), out + i);
  }
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

/// Counter layout: block within the sample, sample, step, purpose mixed with the high parts.
std::array<uint32_t, 4> RandomAddress::words(uint32_t block) const {
  const auto s = static_cast<uint64_t>(sample);
  const auto high = static_cast<uint32_t>((s >> 32) * 0x9E3779B9u ^ (step >> 32) * 0x85EBCA6Bu);
  return philox(
      {block, static_cast<uint32_t>(s), static_cast<uint32_t>(step), static_cast<uint32_t>(purpose) ^ (high << 8)},
      seed);
}

void fill_normal(const RandomAddress& address, double* out, int64_t n) { fill(address, out, n, to_normal); }

void fill_uniform(const RandomAddress& address, double* out, int64_t n) { fill(address, out, n, to_uniform); }

}  // namespace noisescope
