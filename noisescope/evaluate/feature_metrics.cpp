#include "noisescope/evaluate/feature_metrics.h"

#include <ATen/ops/cdist.h>
#include <ATen/ops/linalg_eigh.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::evaluate {
namespace {

void check_pair(const char* where, const Tensor& real, const Tensor& generated) {
  check_shape(where, "real", real, {-1, -1});
  check_shape(where, "generated", generated, {-1, real.size(1)});
}

Tensor cubic_kernel(const Tensor& x, const Tensor& y) {
  return (x.matmul(y.t()) / static_cast<double>(x.size(1)) + 1.0).pow(3);
}

/// Mean over pairs of different rows.
Tensor off_diagonal_mean(const Tensor& kernel) {
  const auto n = static_cast<double>(kernel.size(0));
  return (kernel.sum() - kernel.trace()) / (n * (n - 1));
}

Tensor unbiased_mmd2(const Tensor& x, const Tensor& y) {
  return off_diagonal_mean(cubic_kernel(x, x)) + off_diagonal_mean(cubic_kernel(y, y)) -
         2.0 * cubic_kernel(x, y).mean();
}

Tensor covariance(const Tensor& x) {
  const Tensor centred = x - x.mean(0);
  return centred.t().matmul(centred) / static_cast<double>(x.size(0) - 1);
}

/// Square root of a symmetric positive semidefinite matrix.
Tensor matrix_sqrt(const Tensor& matrix) {
  const auto [values, vectors] = at::linalg_eigh(matrix);
  return (vectors * values.clamp_min(0).sqrt()).matmul(vectors.t());
}

}  // namespace

Estimate kid(const Tensor& real, const Tensor& generated, int64_t blocks) {
  check_pair("evaluate.kid", real, generated);
  const int64_t rows = std::min(real.size(0), generated.size(0)) / std::max<int64_t>(1, blocks);
  if (blocks < 2 || rows < 2) {
    throw ValueError(
        format_text("[evaluate.kid] expected at least 2 blocks of 2 rows, "
                    "got {} blocks over {} real and {} generated rows",
                    blocks, real.size(0), generated.size(0)));
  }
  const Tensor x = real.to(torch::kFloat64), y = generated.to(torch::kFloat64);
  std::vector<Tensor> values;
  for (int64_t b = 0; b < blocks; ++b) {
    values.push_back(unbiased_mmd2(x.slice(0, b * rows, (b + 1) * rows), y.slice(0, b * rows, (b + 1) * rows)));
  }
  return mean_estimate(torch::stack(values));
}

double frechet_distance(const Tensor& real, const Tensor& generated) {
  check_pair("evaluate.frechet_distance", real, generated);
  if (real.size(0) < 2 || generated.size(0) < 2) {
    throw ValueError("[evaluate.frechet_distance] expected at least 2 rows of each kind");
  }
  const Tensor x = real.to(torch::kFloat64), y = generated.to(torch::kFloat64);
  const Tensor cov_x = covariance(x), cov_y = covariance(y);
  const Tensor root = matrix_sqrt(cov_x);
  const Tensor cross = matrix_sqrt(root.matmul(cov_y).matmul(root));
  const Tensor distance = (x.mean(0) - y.mean(0)).pow(2).sum() + cov_x.trace() + cov_y.trace() - 2.0 * cross.trace();
  return distance.item<double>();
}

Estimate coverage(const Tensor& real, const Tensor& generated, int64_t k) {
  check_pair("evaluate.coverage", real, generated);
  if (k < 1 || real.size(0) <= k || generated.size(0) < 1) {
    throw ValueError(
        format_text("[evaluate.coverage] expected more than k = {} real rows and a generated one, "
                    "got {} and {}",
                    k, real.size(0), generated.size(0)));
  }
  const Tensor x = real.to(torch::kFloat64), y = generated.to(torch::kFloat64);
  // Column 0 is the distance of a row to itself, so the k-th neighbour stands in column k.
  const Tensor radius = std::get<0>(at::cdist(x, x).sort(1)).select(1, k);
  const Tensor nearest = std::get<0>(at::cdist(x, y).min(1));
  return wilson((nearest <= radius).sum().item<int64_t>(), real.size(0));
}

Estimate r_precision(const Tensor& images, const CaptionTable& table, const Random& random, int64_t distractors) {
  const auto& [captions, own, is_true] = table;
  check_pair("evaluate.r_precision", images, captions);
  const int64_t n = images.size(0), rows = captions.size(0);
  check_shape("evaluate.r_precision", "own", own, {n});
  check_shape("evaluate.r_precision", "is_true", is_true, {n, rows});
  if (distractors < 1 || is_true.all(1).any().item<bool>()) {
    throw ValueError(
        format_text("[evaluate.r_precision] expected distractors >= 1 and a caption that is wrong of "
                    "each picture, got {} distractors and {} pictures without a wrong caption",
                    distractors, is_true.all(1).sum().item<int64_t>()));
  }
  const Tensor cosines = images.to(torch::kFloat64).matmul(captions.to(torch::kFloat64).t());
  int64_t hits = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Tensor order = random.permutation(Purpose::evaluation, static_cast<uint64_t>(i), rows);
    const Tensor wrong = order.masked_select(~is_true[i].index_select(0, order));
    const Tensor best_wrong = cosines[i].index_select(0, wrong.slice(0, 0, distractors)).max();
    hits += (cosines[i].index_select(0, own.slice(0, i, i + 1)) > best_wrong).item<bool>() ? 1 : 0;
  }
  return wilson(hits, n);
}

}  // namespace noisescope::evaluate
