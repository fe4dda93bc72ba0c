#include "noisescope/core/random.h"

#include <algorithm>
#include <numeric>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/parallel.h"

namespace noisescope {
namespace {

using Fill = void (*)(const RandomAddress&, double* out, int64_t n);

Tensor draw(uint64_t seed, Purpose purpose, uint64_t step, const std::vector<int64_t>& samples,
            torch::IntArrayRef shape, torch::Dtype dtype, Fill fill) {
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
    fill({seed, purpose, step, samples[static_cast<size_t>(row)]}, data + row * per_row, per_row);
  });
  return out.to(dtype);
}

}  // namespace

std::vector<int64_t> sample_range(int64_t first, int64_t count) {
  std::vector<int64_t> samples(static_cast<size_t>(count));
  std::iota(samples.begin(), samples.end(), first);
  return samples;
}

Tensor Random::normal(Purpose purpose, uint64_t step, const std::vector<int64_t>& samples, torch::IntArrayRef shape,
                      torch::Dtype dtype) const {
  return draw(seed_, purpose, step, samples, shape, dtype, fill_normal);
}

Tensor Random::uniform(Purpose purpose, uint64_t step, const std::vector<int64_t>& samples, torch::IntArrayRef shape,
                       torch::Dtype dtype) const {
  const Tensor out = draw(seed_, purpose, step, samples, shape, torch::kFloat64, fill_uniform);
  // Rounding to float32 could reach 1; the interval stays half open.
  return dtype == torch::kFloat64 ? out : out.to(dtype).clamp_max(1.0 - 0x1p-24);
}

double Random::uniform(Purpose purpose, uint64_t step, int64_t sample, uint32_t position) const {
  const auto words = RandomAddress{seed_, purpose, step, sample}.words(position);
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
