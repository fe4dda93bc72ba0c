#include "noisescope/nn/orthogonal_kernel.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "noisescope/nn/every_processor.h"

namespace noisescope::nn {
namespace {

constexpr int64_t kTileRows = 8, kTileColumns = 32;  // sums of a tile fill half of the registers

int64_t padded(int64_t size) { return (size + kTileColumns - 1) / kTileColumns * kTileColumns; }

/// Rows of floats, padded by zeros to whole tiles.
struct Panel {
  Panel(int64_t row_count, int64_t column_count)
      : rows(padded(row_count)), columns(padded(column_count)), values(static_cast<size_t>(rows * columns), 0.0f) {}

  float* row(int64_t i) { return values.data() + i * columns; }
  const float* row(int64_t i) const { return values.data() + i * columns; }

  int64_t rows, columns;
  std::vector<float> values;
};

typedef float Vector __attribute__((vector_size(64), aligned(4), may_alias));
constexpr int64_t kLanes = 16, kVectors = kTileColumns / kLanes;

/// The tile of a^T b that starts at row i and column j.
NOISESCOPE_INLINE void multiply_tile(const Panel& a, const Panel& b, int64_t i, int64_t j, Panel& out) {
  Vector sums[kTileRows][kVectors] = {};
  const float* from_a = a.row(0) + i;
  const float* from_b = b.row(0) + j;
  for (int64_t k = 0; k < a.rows; ++k, from_a += a.columns, from_b += b.columns) {
    const Vector right[kVectors] = {*reinterpret_cast<const Vector*>(from_b),
                                    *reinterpret_cast<const Vector*>(from_b + kLanes)};
#pragma GCC unroll 8
    for (int64_t r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 2
      for (int64_t v = 0; v < kVectors; ++v) sums[r][v] += from_a[r] * right[v];
    }
  }
  for (int64_t r = 0; r < kTileRows; ++r) {
    for (int64_t v = 0; v < kVectors; ++v) {
      *reinterpret_cast<Vector*>(out.row(i + r) + j + v * kLanes) = sums[r][v];
    }
  }
}

/// out = a^T b.
NOISESCOPE_INLINE void multiply(const Panel& a, const Panel& b, Panel& out) {
  for (int64_t j = 0; j < b.columns; j += kTileColumns) {
    for (int64_t i = 0; i < a.columns; i += kTileRows) multiply_tile(a, b, i, j, out);
  }
}

/// The same where the product is symmetric: its upper half, mirrored.
NOISESCOPE_INLINE void multiply_symmetric(const Panel& a, const Panel& b, Panel& out) {
  for (int64_t j = 0; j < b.columns; j += kTileColumns) {
    for (int64_t i = 0; i < j + kTileColumns; i += kTileRows) multiply_tile(a, b, i, j, out);
  }
  for (int64_t i = 0; i < out.rows; ++i) {
    for (int64_t j = 0; j < i; ++j) out.row(i)[j] = out.row(j)[i];
  }
}

/// gram [side, side], divided by its trace, -> what the matrix is to be multiplied by. Consumes gram.
NOISESCOPE_INLINE Panel orthogonalizer(Panel gram, int64_t side, float scale) {
  Panel square(side, side), factor(side, side), product(side, side), between(side, side);
  constexpr float kLinear = MuonQuintic::linear, kCubic = MuonQuintic::cubic, kQuintic = MuonQuintic::quintic;
  for (int step = 0; step < MuonQuintic::steps; ++step) {
    multiply_symmetric(gram, gram, square);
    for (size_t i = 0; i < factor.values.size(); ++i) {
      factor.values[i] = kCubic * gram.values[i] + kQuintic * square.values[i];
    }
    for (int64_t i = 0; i < side; ++i) factor.row(i)[i] += kLinear;
    if (step == 0) {
      for (size_t i = 0; i < factor.values.size(); ++i) product.values[i] = scale * factor.values[i];
    } else {
      multiply_symmetric(product, factor, between);
      std::swap(product, between);
    }
    if (step + 1 == MuonQuintic::steps) break;
    multiply_symmetric(factor, gram, between);
    multiply_symmetric(between, factor, gram);
  }
  return product;
}

NOISESCOPE_INLINE Panel transposed(const Panel& panel) {
  Panel out(panel.columns, panel.rows);
  for (int64_t i = 0; i < panel.rows; ++i) {
    for (int64_t j = 0; j < panel.columns; ++j) out.row(j)[i] = panel.row(i)[j];
  }
  return out;
}

}  // namespace

NOISESCOPE_EVERY_PROCESSOR
void orthogonal_part(const float* matrix, int64_t rows, int64_t columns, float scale, float* out) {
  Panel own(rows, columns);
  for (int64_t i = 0; i < rows; ++i) std::copy_n(matrix + i * columns, columns, own.row(i));
  const Panel turned = transposed(own);
  const bool is_wide = rows <= columns;
  const int64_t side = std::min(rows, columns);
  const Panel& tall = is_wide ? turned : own;
  Panel gram(side, side);
  multiply_symmetric(tall, tall, gram);
  float trace = 1e-19f;
  for (int64_t i = 0; i < side; ++i) trace += gram.row(i)[i];
  for (float& value : gram.values) value /= trace;
  const Panel turn = orthogonalizer(std::move(gram), side, scale / std::sqrt(trace));
  Panel part(rows, columns);
  is_wide ? multiply(turn, own, part) : multiply(turned, turn, part);
  for (int64_t i = 0; i < rows; ++i) std::copy_n(part.row(i), columns, out + i * columns);
}

}  // namespace noisescope::nn
