// Scores on image data, in the feature space of an encoder that the model was not conditioned on.
#pragma once

#include <nlohmann/json.hpp>

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

struct ImageEvaluation {
  nlohmann::ordered_json json;
  Tensor pictures;  // [N, C, H, W], drawn for
  std::vector<std::string> prompts;
  std::shared_ptr<const Dataset> data;
  std::vector<int64_t> trained;  // samples of `data`
};

/// Trains the judge (evaluation.judge, seed + 1) in judge/ if it is not there yet, draws
/// `evaluation.samples` pictures for captions of validation samples, and measures KID, FD and coverage
/// against these samples and R-precision of the captions. Beside each stands its floor: real against
/// real (two halves), and shuffled captions; and what real pictures score in R-precision. The hash of
/// the judge is part of the result. Without a budget of its own the judge has that of clip_train. Measures that the
/// data are too few for are absent, and the text `left_out` says which and why.
ImageEvaluation evaluate_images(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                                const Control& control);

/// A sample of the data, and how far a picture is from it: root mean square over pixels and channels, in [0, 2].
struct NearestPicture {
  int64_t sample = 0;
  double distance = 0;
};

/// The nearest of `samples` to `picture` [3, S, S]. Throws ValueError if there is none.
NearestPicture nearest_picture(const Dataset& data, const std::vector<int64_t>& samples, const Tensor& picture);

}  // namespace noisescope::run
