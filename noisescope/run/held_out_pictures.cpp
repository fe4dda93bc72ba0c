#include "noisescope/run/held_out_pictures.h"

namespace noisescope::run {
namespace {

std::string fullest_caption(const Dataset& dataset, int64_t index) {
  std::string fullest;
  for (const int64_t row : dataset.captions_of(index)) {
    const std::string& caption = dataset.captions()[static_cast<size_t>(row)];
    if (caption.size() > fullest.size()) fullest = caption;
  }
  return fullest;
}

}  // namespace

CaptionedSamples held_out_pictures(const RunData& data, int64_t count) {
  CaptionedSamples found;
  for (const int64_t index : data.split.validation.empty() ? data.split.train : data.split.validation) {
    if (static_cast<int64_t>(found.indices.size()) == count) break;
    const std::string caption = fullest_caption(*data.dataset, index);
    if (caption.empty()) continue;
    found.indices.push_back(index);
    found.captions.push_back(caption);
  }
  return found;
}

}  // namespace noisescope::run
