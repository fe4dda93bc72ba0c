// Sobol indices: which independent input decided a number, alone (first order) and with all its
// interactions (total). For f of independent players z_1 .. z_K,
//   S_k = Var(E[f | z_k]) / Var f,   T_k = E[Var(f | all but z_k)] / Var f
// Both in [0, 1]; sum of S <= 1 <= sum of T, with equality where nothing interacts; higher = decided more;
// null value 0.
//
// Design of Saltelli et al. 2010 (Comput. Phys. Commun. 181, table 2): samples A and B, and A_k, which
// is A with player k from B; N (K + 2) values of f. With f centred and
//   rho(u, v) = mean(u v) / mean((u^2 + v^2) / 2)      (Janon et al. 2014, ESAIM P&S 18, eq. 2.2)
// 1 - rho(f(A), f(A_k)) is the total index of Jansen 1999 (Comput. Phys. Commun. 117), rho(f(B), f(A_k)) his
// first-order index, each with the variance of its own two samples. A and B are independent, but in N
// samples they correlate by some r = rho(f(A), f(B)), an error of 1 / sqrt(N) in both. The standardised
// coefficients of f(A_k) on f(B) and f(A) are free of it:
//   S_k     = (rho(f(B), f(A_k)) - r rho(f(A), f(A_k))) / (1 - r^2)
//   1 - T_k = (rho(f(A), f(A_k)) - r rho(f(B), f(A_k))) / (1 - r^2)
// So a player that decides everything gets exactly 1 and 1, one that decides nothing exactly 0 and 0, at
// any N, and small indices have small errors.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope::stats {

/// K players, F functions; float64 on the CPU. NaN where a function does not vary.
struct SobolIndices {
  Tensor first;        // [K, F]
  Tensor first_error;  // standard errors (delta method)
  Tensor total;        // [K, F]
  Tensor total_error;
};

/// a, b [N, F]: f at N samples of A and of B; mixed [K, N, F]: f at A_k. Throws ShapeError for values that
/// do not fit, ValueError for fewer than 2 samples.
SobolIndices sobol_indices(const Tensor& a, const Tensor& b, const Tensor& mixed);

}  // namespace noisescope::stats
