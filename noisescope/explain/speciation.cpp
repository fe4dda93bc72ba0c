#include "noisescope/explain/speciation.h"

#include <cmath>

#include <ATen/ops/linalg_eigvalsh.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::explain {

double speciation_log_snr(const Tensor& pictures) {
  check_shape("explain.speciation_log_snr", "pictures", pictures, {-1, -1, -1, -1});
  const int64_t count = pictures.size(0);
  const Tensor rows = pictures.flatten(1).to(torch::kCPU, torch::kFloat64);
  if (count < 2 || (rows == rows[0]).all().item<bool>()) {
    throw ValueError(format_text("[explain.speciation_log_snr] expected at least 2 different pictures, got {}", count));
  }
  // Of the two matrices with the same non-zero eigenvalues the smaller one.
  const Tensor centred = rows - rows.mean(0);
  const Tensor small = rows.size(0) <= rows.size(1) ? centred.matmul(centred.t()) : centred.t().matmul(centred);
  const Tensor values = at::linalg_eigvalsh(small / static_cast<double>(count - 1));
  return -std::log(values[-1].item<double>());
}

}  // namespace noisescope::explain
