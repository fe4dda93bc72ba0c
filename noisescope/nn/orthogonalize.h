// The orthogonal part of many small matrices at once.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope {

/// U phi^steps(S / |S|) V^T of each matrix U S V^T: singular values are divided by their 2-norm and sent `steps`
/// times through phi(s) = 3.4445 s - 4.7750 s^3 + 2.0315 s^5, which brings those above 0.003 into [0.68, 1.2] in
/// 5 steps (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", section 2). The
/// polynomials are evaluated on the smaller Gram matrix, so a step costs the cube of the smaller side.
/// matrices [N, m, n] of real numbers -> [N, m, n]. Zero stays zero. Throws ShapeError.
Tensor orthogonalize(const Tensor& matrices, int64_t steps = 5);

}  // namespace noisescope
