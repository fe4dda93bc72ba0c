// What turns matrices into their orthogonal parts, many at once.
#pragma once

#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope::nn {

/// Q such that Q X = U phi^steps(S / |S|) V^T for X = U S V^T with Gram matrix X X^T: singular values are divided by
/// their 2-norm and sent `steps` times through phi(s) = 3.4445 s - 4.7750 s^3 + 2.0315 s^5, which brings those
/// above 0.002 into [0.68, 1.21] in 5 steps (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
/// networks"). On Gram matrices a step costs the cube of the shorter side, whatever the longer one.
/// grams [N, m, m] of real numbers -> [N, m, m]. Finite for a zero matrix. Throws ShapeError.
Tensor orthogonalizers(const Tensor& grams, int64_t steps = 5);

/// The orthogonal parts of tensors [O, ...], each as a matrix [O, N], with this root mean square: what Muon moves
/// weights along. By the kernel of nn/orthogonal_kernel.h, a matrix to a thread, on a CPU in float32, else by torch's
/// operators. Each part lies in memory as its tensor does.
std::vector<Tensor> orthogonal_parts(const std::vector<Tensor>& tensors, double rms);

/// The same by torch's operators.
std::vector<Tensor> orthogonal_parts_composed(const std::vector<Tensor>& tensors, double rms);

}  // namespace noisescope::nn
