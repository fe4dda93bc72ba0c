// Where a network departs from the exact model of its training pictures, which knows them by heart.
#pragma once

#include <nlohmann/json.hpp>

#include "noisescope/data/image_dataset.h"
#include "noisescope/model/text_to_image.h"

namespace noisescope::run {

/// Adds noise to pictures, denoises without prompt by the network and by the exact model of the pictures `trained`
/// (world/picture_denoiser.h), and gives by noise level `sigma` [L] the root mean square errors of both and the
/// distance between them, "network", "exact" and "apart" [L], in units of pixels in [-1, 1]: of up to 64 `trained`
/// pictures and of up to 64 `others`, where there are any. Of the others the network's error below the exact one's is
/// what it generalises.
nlohmann::ordered_json evaluate_departure(const TextToImage& network, const ImageDataset& data,
                                          const std::vector<int64_t>& trained, const std::vector<int64_t>& others,
                                          uint64_t seed);

}  // namespace noisescope::run
