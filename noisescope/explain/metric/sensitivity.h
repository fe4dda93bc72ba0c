// How much a map changes when its picture hardly does.
#pragma once

#include <functional>

#include "noisescope/core/random.h"

namespace noisescope::explain {

class AnswerDescriber;

/// The maps [B, ...] of pictures [B, C, H, W]; row k is always about picture k of the batch.
using MapsOf = std::function<Tensor(const Tensor& pictures)>;

/// Relative change of the map over N perturbations, [B] float64, >= 0; lower = more robust. Null value:
/// 1 = changed by as much as it is long, sqrt(2) = another map of the same kind.
struct Sensitivity {
  Tensor max;   // max_n |map(x + d_n) - map(x)| / |map(x)|, Euclidean norms
  Tensor mean;  // mean over n
};

/// Max-sensitivity (Yeh et al. 2019, arXiv:1901.09392, definition 2) and its mean, for perturbations
/// [N, B, C, H, W] that are added to pictures [B, C, H, W]. A map of zeros counts as of length 1.
/// A low value is no merit of its own: a constant map has 0. Cost: N + 1 evaluations of `maps_of`.
/// Throws ShapeError for perturbations that do not fit, ValueError for N = 0.
Sensitivity sensitivity(const MapsOf& maps_of, const Tensor& pictures, const Tensor& perturbations);

/// Perturbations uniform in [-radius, radius], [draws, B, C, H, W] float64, for shape = {C, H, W}.
/// Picture k takes (random, Purpose::explain, sample_ids[k]). Throws ValueError unless radius > 0.
Tensor uniform_perturbations(double radius, int64_t draws, torch::IntArrayRef shape, const Random& random,
                             const std::vector<int64_t>& sample_ids);

void describe(AnswerDescriber& d, const Sensitivity& answer);

}  // namespace noisescope::explain
