// The speciation clock: at which noise level the leading direction of the data comes out of the noise.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope::explain {

/// log-SNR at which SNR x (largest eigenvalue of the data's covariance) = 1, that is -ln Lambda_max
/// (Biroli et al. 2024, arXiv:2402.18491: speciation time), for pictures [N, C, H, W]. Nothing is evaluated
/// but the data; the rule ignores everything beyond second moments. Throws ValueError for N < 2 or
/// pictures that are all the same.
double speciation_log_snr(const Tensor& pictures);

}  // namespace noisescope::explain
