// How well a map [B, H, W] finds a region: mask [B, H, W] bool, the truth. All return [B] float64;
// higher is better. Every mask needs pixels inside and outside (ValueError).
//
// Null values (a map that knows nothing): pointing and rank accuracy = share of the mask in the
// picture, AUC = 1/2, IoU of the best threshold = the share, too (everything is marked). A constant map
// scores 0 in pointing and 1/2 in AUC.
#pragma once

#include "noisescope/core/tensor.h"

namespace noisescope::explain {

/// Pointing game (Zhang et al. 2018, arXiv:1608.00507): 1 where the one largest value lies in the mask.
/// A maximum attained more than once is a miss.
Tensor pointing_game(const Tensor& map, const Tensor& mask);

/// Area under the ROC curve of the map as a classifier of pixels: P(inside > outside) with ties as 1/2
/// (the Mann-Whitney statistic; Fawcett 2006, section 7).
Tensor localisation_auc(const Tensor& map, const Tensor& mask);

/// |marked and mask| / |marked or mask|, marked = map scaled to [0, 1] by its range > threshold.
Tensor iou(const Tensor& map, const Tensor& mask, double threshold);

/// The largest IoU over all thresholds that part the map's values.
Tensor best_iou(const Tensor& map, const Tensor& mask);

/// Relevance mass accuracy: share of the map's sum inside the mask (Arras et al. 2022,
/// arXiv:2003.07258). 0 for a map that sums to 0.
/// Throws ValueError for negative values: of a signed map the share means nothing.
Tensor relevance_mass(const Tensor& map, const Tensor& mask);

/// Relevance rank accuracy: share of the |mask| largest values that lie inside it (same).
Tensor relevance_rank(const Tensor& map, const Tensor& mask);

}  // namespace noisescope::explain
