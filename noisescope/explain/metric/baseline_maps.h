// Maps that know nothing of any model: what every measured map has to beat.
#pragma once

#include <vector>

#include "noisescope/core/random.h"

namespace noisescope::explain {

/// Independent uniform pixels for each of B = sample_ids.size() pictures: [B, height, width] float64.
/// Map k uses (random, Purpose::explain, sample_ids[k]).
Tensor random_maps(int64_t height, int64_t width, const Random& random, const std::vector<int64_t>& sample_ids);

/// Length of the Sobel gradient (Sobel & Feldman 1968) of the mean over channels of pictures
/// [B, C, H, W], edge pixels repeated beyond the border: [B, H, W] float64, >= 0. Adebayo et al. 2018
/// (arXiv:1810.03292) found an edge detector hard to tell from several explanations by eye.
Tensor edge_maps(const Tensor& pictures);

}  // namespace noisescope::explain
