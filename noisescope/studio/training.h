// A run that is being trained, or was: its curves, its previews, and how the evidence of a word emerged.
#pragma once

#include <filesystem>
#include <string>

#include "noisescope/core/progress.h"
#include "noisescope/core/tensor.h"
#include "noisescope/run/run_folder.h"
#include "noisescope/studio/request.h"

namespace noisescope::studio {

/// {"state": running | stopped | done, "images_total", "columns", "rows", "previews"} from what the folder holds now;
/// lines that are being written are left for the next time.
Json training_json(const RunFolder& folder);

/// How much there is: lines of metrics and previews, to notice that there is more.
struct TrainingSize {
  int64_t rows = 0, previews = 0;
  bool operator==(const TrainingSize&) const = default;
};
TrainingSize training_size(const RunFolder& folder);

/// The PNG samples/<name>. Throws NotThere for a name that is no preview.
std::string preview_bytes(const RunFolder& folder, const std::string& name);

/// Evidence of a word about `picture` [C, H, W] in [-1, 1] at each checkpoint that the folder holds and in the finished
/// model: {"log_snrs", "points": [{"images_seen", "total", "half_point", "decision"}]}. Throws ValueError for a word
/// that is not in the prompt, NotNow where there is no checkpoint yet.
Json emergence_json(const RunFolder& folder, const Tensor& picture, const std::string& prompt, const std::string& word,
                    torch::Device device, const Control& control);

}  // namespace noisescope::studio
