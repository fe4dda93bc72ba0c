#include "noisescope/data/dataset.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::data {

Tensor Dataset::caption_is_true(const std::vector<int64_t>& indices, const std::vector<int64_t>& caption_rows) const {
  const auto rows = static_cast<int64_t>(indices.size());
  const auto columns = static_cast<int64_t>(caption_rows.size());
  const Tensor truth = torch::zeros({rows, columns}, torch::kBool);
  auto cell = truth.accessor<bool, 2>();
  for (int64_t i = 0; i < rows; ++i) {
    const std::vector<int64_t> own = captions_of(indices[static_cast<size_t>(i)]);
    for (int64_t j = 0; j < columns; ++j) {
      cell[i][j] = std::find(own.begin(), own.end(), caption_rows[static_cast<size_t>(j)]) != own.end();
    }
  }
  return truth;
}

std::vector<int64_t> draw_captions(const Dataset& dataset, const std::vector<int64_t>& indices, const Random& random,
                                   uint64_t step) {
  std::vector<int64_t> rows;
  rows.reserve(indices.size());
  for (int64_t index : indices) {
    const std::vector<int64_t> own = dataset.captions_of(index);
    if (own.empty()) {
      throw DataError(format_text("[data.draw_captions] expected at least one caption of sample {} of {}, got none",
                                  index, dataset.name()));
    }
    const auto count = static_cast<int64_t>(own.size());
    rows.push_back(own[static_cast<size_t>(random.integer(Purpose::caption, step, index, count))]);
  }
  return rows;
}

Split split_samples(int64_t size, double validation_share, uint64_t seed) {
  if (!(validation_share >= 0 && validation_share < 1)) {
    throw ValueError(format_text("[data.split_samples] expected validation_share in [0, 1), got {}", validation_share));
  }
  const Tensor order = Random(seed).permutation(Purpose::data_order, ~uint64_t{0}, size);
  const int64_t* first = order.const_data_ptr<int64_t>();
  auto held = static_cast<int64_t>(std::llround(validation_share * static_cast<double>(size)));
  if (held == 1) held = size >= 4 ? 2 : 0;
  Split split;
  split.validation.assign(first, first + held);
  split.train.assign(first + held, first + size);
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

}  // namespace noisescope::data
