// Scores on families of pictures (data/families.h): drawings of which one word is known to change which pixels.
#pragma once

#include <nlohmann/json.hpp>

#include "noisescope/data/families.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// A question about one word of a picture's caption.
struct FamilyQuestion {
  const Family* family = nullptr;
  size_t member = 0;  // what is asked for

  int64_t sample() const { return family->samples[member]; }
};

/// Up to `limit` questions in an order drawn by `seed`, no two about one sample: about the samples of
/// part `test` (compositions that were held out) or about the others.
std::vector<FamilyQuestion> family_questions(const ImageSamples& samples, const std::vector<Family>& families,
                                             bool held_out, int64_t limit, uint64_t seed);

/// Draws a picture for the caption of each question and takes it for the member of the family whose original is
/// nearest, by the distance of pixels. `family_accuracy` of trained samples, `held_out_accuracy` of compositions that
/// were never trained on, each with the share that a guess would get and with the accuracy by kind of word;
/// {value, low, high, n}. Absent where there is nothing to ask.
nlohmann::ordered_json evaluate_families(const TextToImage& model, const RunConfig& config, const ImageDataset& data,
                                         const Control& control);

/// Evidence maps of the changed word on originals of families, held against the pixels that truly differ: mean area
/// under the ROC curve {value, low, high, n} of the map and of three that know nothing of the model: the picture less
/// its background, its edges, and the mean map of the other questions.
nlohmann::ordered_json evaluate_family_evidence(const TextToImage& network, const RunConfig& config,
                                                const RunFolder& folder, const ImageDataset& data,
                                                const Control& control);

}  // namespace noisescope::run
